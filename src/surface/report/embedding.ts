/** Maps of a task's features: principal components and UMAP, or the circle that they lie on. */

import type {Markup} from '../html.ts';
import {type ChartSpec, colours, draw} from './chart.ts';
import type {Embedding} from './embedding-data.ts';
import {figure} from './figure.ts';

export async function embeddingFigures(embedding: Embedding): Promise<readonly Markup[]> {
  const {layer, columns, images, classes, circle, pca, umap} = embedding;
  const note = `Features of layer ${layer} (${columns} numbers, scaled to length 1), for ${classes.length} of ${images} test images`;
  const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
  const figures: Markup[] = [];
  const add = async (title: string, points: NonNullable<Embedding['umap']>, axes: readonly [string, string] | null) => {
    const chart = await draw(mapOf(embedding, points, axes), `${title}. ${note}`);
    figures.push(figure(chart, {title, note}));
  };
  if (circle) await add('Features on the circle', circle, ['first feature', 'second feature']);
  if (pca) {
    const [first, second] = pca.explained;
    await add('Principal components', pca.points, [
      `first, ${percent(first)} of the variance`,
      `second, ${percent(second)}`,
    ]);
  }
  // Distances in it mean little, and its axes nothing.
  if (umap) await add('UMAP, 15 neighbours', umap, null);
  return figures;
}

function mapOf(
  {classes, anomalous, circle}: Embedding,
  points: readonly (readonly [x: number, y: number])[],
  axes: readonly [string, string] | null,
): ChartSpec {
  const values = points.map(([x, y], i) => ({
    x,
    y,
    kind: anomalous[i] ? 'anomalous' : 'normal',
    class: classes[i]!,
  }));
  const place = (field: 'x' | 'y', at: 0 | 1) => ({
    field,
    type: 'quantitative' as const,
    // The circle is to be round.
    scale: circle ? {domain: [-1.1, 1.1]} : {zero: false, nice: false, padding: 8},
    axis: axes && {title: axes[at], labels: false, grid: false},
  });
  return {
    width: 260,
    height: 260,
    data: {values},
    mark: {type: 'point', filled: true, size: 18, opacity: 0.72, aria: true},
    encoding: {
      x: place('x', 0),
      y: place('y', 1),
      color: {field: 'kind', scale: {domain: ['normal', 'anomalous'], range: [colours.normal, colours.anomalous]}},
      shape: {field: 'kind', scale: {domain: ['normal', 'anomalous'], range: ['circle', 'triangle-up']}},
      description: {field: 'class'},
    },
  };
}
