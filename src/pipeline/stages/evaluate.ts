/** Metric plug-ins + scores → `metrics.arrow`, and the same in the summary, which is what goes into the tables. */
import {join} from 'node:path';
import type {Metric, PixelMetric, PixelSample} from '../../core/contracts/metric.ts';
import {readImages} from '../../core/formats/arrow/images.ts';
import {readMaps} from '../../core/formats/arrow/maps.ts';
import {readScores, writeMetrics} from '../../core/formats/arrow/small.ts';
import type {EvaluateRecipe} from './recipes.ts';
import {aboutMetrics, createPlanned, inputOf, StageError} from './shared.ts';
import type {EvaluateSummary, RunStage, StageContext} from './stage.ts';

export const evaluate: RunStage = async (context) => {
  const recipe = context.recipe as unknown as EvaluateRecipe;
  const {scores, classes, classNames} = await readScores(inputOf(context, 'scores'));
  const normalClass = classNames.indexOf(recipe.normal);
  if (normalClass < 0) throw new Error(`no class "${recipe.normal}" among ${classNames.join(', ')}`);
  const labels = Uint8Array.from(classes, (label) => (label === normalClass ? 0 : 1));
  const anomalous = labels.reduce((sum, label) => sum + label, 0);
  const normal = labels.length - anomalous;
  if (normal === 0 || anomalous === 0) {
    context.warn(
      `all ${labels.length} test images are ${normal === 0 ? 'anomalous' : 'normal'}: metrics are undefined`,
    );
  }
  const values = new Map<string, number>();
  let pixels: PixelSample | undefined;
  for (const ref of recipe.metrics) {
    const metric = createPlanned(context, 'metric', ref, recipe.versions);
    let value: number;
    if (context.plugins.get('metric', ref.type).of === 'pixels') {
      pixels ??= await readPixels(context);
      value = (metric as PixelMetric).measurePixels(pixels);
    } else value = (metric as Metric).compute(scores, labels);
    if (values.has(ref.type)) throw new StageError(`metric "${ref.type}" is listed twice`, 'Remove one of the two.');
    values.set(ref.type, value);
  }
  await writeMetrics(join(context.out, 'metrics.arrow'), values);
  const metrics = Object.fromEntries([...values].map(([name, value]) => [name, Number.isNaN(value) ? null : value]));
  const summary: EvaluateSummary = {metrics, normal, anomalous, ...aboutMetrics(context, recipe.metrics)};
  return {...summary};
};

/** Scores and truth of all pixels of the test images: 5 bytes each in memory. */
async function readPixels(context: StageContext): Promise<PixelSample> {
  const maps = await readMaps(inputOf(context, 'maps'));
  const masks = new Uint8Array(maps.data.length);
  let filled = 0;
  for await (const batch of readImages(inputOf(context, 'images'))) {
    if (!batch.masks) throw new Error('the test images have no masks');
    masks.set(batch.masks, filled);
    filled += batch.masks.length;
  }
  if (filled !== masks.length) throw new Error(`${masks.length} scores of pixels for ${filled} in the masks`);
  return {count: maps.count, height: maps.height, width: maps.width, maps: maps.data, masks};
}
