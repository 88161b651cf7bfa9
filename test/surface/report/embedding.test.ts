import {expect, test} from 'vitest';
import {embeddingFigures} from '../../../src/surface/report/embedding.ts';

const about = {
  layer: 'head',
  images: 100,
  rows: [7, 9],
  training: 0,
  classes: ['bag', 'coat'],
  anomalous: [false, true],
};
const points = [
  [0, 1],
  [1, 0],
] as const;

test('features of two numbers are shown where they are, on a round circle', async () => {
  const figures = await embeddingFigures({...about, columns: 2, circle: points});
  expect(figures).toHaveLength(1);
  const [figure] = figures.map(String);
  expect(figure).toContain('Features on the circle');
  expect(figure).toContain('2 numbers, scaled to length 1), for 2 of 100 test images');
  // (0, 1) and (1, 0) of [-1.1, 1.1] on 260 pixels, y downwards.
  expect(
    [...figure!.matchAll(/translate\(([\d.]+),([\d.]+)\)"[^>]*><title>(\w+)/g)].map(([, ...found]) => found),
  ).toEqual([
    ['130', '11.81', 'bag'],
    ['248.18', '130', 'coat'],
  ]);
});

test('copies have a mark each, after those of training images', async () => {
  const copies = {names: ['rotate90', 'hflip'], images: [7, 8], shown: [8], rows: []};
  const four = [...points, [-1, 0], [0, -1], [0.6, 0.8]] as const;
  const [figure] = (await embeddingFigures({...about, columns: 2, training: 1, copies, circle: four})).map(String);
  expect(figure).toContain(
    'for 2 of 100 test images, 1 training images and 1 normal test images under rotate90, under hflip',
  );
  const titles = [...figure!.matchAll(/<title>([^<]+)/g)].map(([, title]) => title);
  expect(titles).toEqual(['bag', 'coat', 'training image', 'normal, rotate90', 'normal, hflip']);
  expect(new Set([...figure!.matchAll(/fill="(var[^"]+)"[^>]*><title>/g)].map(([, fill]) => fill)).size).toBe(5);
});

test('others by their principal components, with the variance that these explain, and by UMAP where there is one', async () => {
  const pca = {points, explained: [0.61, 0.2]} as const;
  const both = await embeddingFigures({...about, columns: 64, pca, umap: {neighbours: 7, points}});
  expect(both).toHaveLength(2);
  expect(String(both[0])).toContain('first, 61 % of the variance');
  expect(String(both[1])).toContain('UMAP, 7 neighbours');
  expect(await embeddingFigures({...about, columns: 64, pca})).toHaveLength(1);
  // A third point is one of a training image, with a mark of its own.
  const [withTraining] = await embeddingFigures({
    ...about,
    columns: 2,
    training: 1,
    circle: [...points, [-1, 0]],
  });
  expect(String(withTraining)).toContain('for 2 of 100 test images and 1 training images');
  expect(String(withTraining).match(/<title>training image/g)).toHaveLength(1);
  // Groups that say nothing are left out, with their ends.
  const count = (tag: RegExp): number => String(withTraining).match(tag)!.length;
  expect(count(/<g /g)).toBe(count(/<\/g>/g));
  expect(String(withTraining)).not.toContain('<g>');
});
