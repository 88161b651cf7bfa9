import {expect, test} from 'vitest';
import {type Effort, imagesOf, Paces, secondsOf} from '../../../src/pipeline/ending/pace.ts';

const learn = (epochs: number | undefined, images?: number, width = 16, seed = 0): Effort => ({
  kind: 'learn',
  recipe: {
    learner: {type: 'rotation', network: {type: 'small', width}, ...(epochs !== undefined && {epochs})},
    versions: {},
    augment: [],
    seed,
    normal: 'bag',
  },
  ...(images !== undefined && {images}),
});

test('a training takes as long for each epoch and image as those like it, whatever its seed', () => {
  // 100 s for 10 × 500 and 60 s for 10 × 300: 0.02 s for each image of each epoch.
  const own = new Paces([
    {...learn(10, 500), seconds: 100},
    {...learn(10, 300, 16, 7), seconds: 60},
  ]);
  expect(secondsOf(learn(20, 400), [own])).toBeCloseTo(160, 9);
});

test('without the number of images, epochs alone count', () => {
  const own = new Paces([{...learn(10, 500), seconds: 100}]);
  expect(secondsOf(learn(30), [own])).toBeCloseTo(300, 9);
  expect(secondsOf(learn(30, 500), [new Paces([{...learn(10), seconds: 40}])])).toBeCloseTo(120, 9);
});

test('the same recipe in the cache counts before another one of this run, and this run before the cache', () => {
  const own = new Paces([{...learn(10, 100, 64), seconds: 1000}]);
  const past = new Paces([{...learn(10, 100, 16), seconds: 50}]);
  expect(secondsOf(learn(10, 100, 16), [own, past])).toBeCloseTo(50, 9);
  expect(secondsOf(learn(10, 100, 64), [own, past])).toBeCloseTo(1000, 9);
  expect(secondsOf(learn(10, 100, 32), [own, past])).toBeCloseTo(1000, 9);
});

test('a learner that does not train tells nothing of trainings, nor another kind', () => {
  const own = new Paces([
    {...learn(undefined), seconds: 0.1},
    {kind: 'embed', recipe: {}, seconds: 3},
  ]);
  expect(secondsOf(learn(10, 100), [own])).toBeUndefined();
  expect(secondsOf({kind: 'score', recipe: {}}, [own])).toBeUndefined();
});

test('images are those of the normal class, or of the whole split', () => {
  const summary = {classes: ['bag', 'coat'], train: [500, 400], test: [90, 80]};
  expect(imagesOf(learn(1), 'train.arrow', summary)).toBe(500);
  expect(imagesOf({kind: 'embed', recipe: {}}, 'test.arrow', summary)).toBe(170);
  expect(imagesOf({kind: 'embed', recipe: {}}, 'test.arrow', undefined)).toBeUndefined();
});
