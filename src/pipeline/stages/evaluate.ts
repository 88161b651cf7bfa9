/** Metric plug-ins + scores → `metrics.arrow`. The summary has the same values; tables use the summary. */
import {join} from 'node:path';
import {plural} from '../../core/base/text.ts';
import type {Region} from '../../core/contracts/dataset.ts';
import type {PluginRef} from '../../core/contracts/definition.ts';
import type {Metric, PixelMetric, PixelSample} from '../../core/contracts/metric.ts';
import {readImages} from '../../core/formats/arrow/images.ts';
import {readMaps} from '../../core/formats/arrow/maps.ts';
import {readScores, writeMetrics} from '../../core/formats/arrow/small.ts';
import {Type} from '../../core/plugin/type.ts';
import {usedBy, versionsOf} from '../plan/used.ts';
import {defineStage, type StageGraphBuilder, type TaskContext} from './define.ts';
import {imagesOf} from './hold-out.ts';
import {PluginList, strict, Versions} from './recipe.ts';
import {
  aboutMetrics,
  createPlanned,
  inputOf,
  measuredValue,
  measuredValues,
  oneClassOnly,
  StageError,
} from './shared.ts';
import type {EvaluateSummary, KindSummary, Part, ResultRef, StageContext} from './stage.ts';

const EvaluateRecipe = Type.Object(
  {
    metrics: PluginList,
    versions: Versions,
    normal: Type.String({description: 'Every other class is anomalous.'}),
    part: Type.Optional(Type.Literal('validation', {description: 'The images; absent: the test images.'})),
  },
  strict,
);

export const evaluate = defineStage({
  kind: 'evaluate',
  lane: 'cpu',
  recipe: EvaluateRecipe,
  async run(context) {
    const {recipe} = context;
    const {scores, classes, classNames} = await readScores(inputOf(context, 'scores'));
    const normalClass = classNames.indexOf(recipe.normal);
    if (normalClass < 0) throw new Error(`no class "${recipe.normal}" among ${classNames.join(', ')}`);
    const labels = Uint8Array.from(classes, (label) => (label === normalClass ? 0 : 1));
    const anomalous = labels.reduce((sum, label) => sum + label, 0);
    const normal = labels.length - anomalous;
    const values = new Map<string, unknown>();
    const isOfPixels = (name: string): boolean => context.plugins.get('metric', name).of === 'pixels';
    let pixels: PixelSample | undefined;
    // How each metric is computed from some of the images.
    const measures = new Map<string, (rows: readonly number[]) => unknown>();
    for (const ref of recipe.metrics) {
      const metric = createPlanned(context, 'metric', ref, recipe.versions);
      if (values.has(ref.type)) throw new StageError(`metric "${ref.type}" is listed twice`, 'Remove one of the two.');
      if (isOfPixels(ref.type)) {
        pixels ??= await readPixels(context);
        const all = pixels;
        values.set(ref.type, (metric as PixelMetric).measurePixels(all));
        measures.set(ref.type, (rows) => (metric as PixelMetric).measurePixels(someOf(all, rows)));
      } else {
        values.set(ref.type, (metric as Metric).compute(scores.slice(), labels.slice())); // copies, because a plug-in may change them
        measures.set(ref.type, (rows) =>
          (metric as Metric).compute(
            Float64Array.from(rows, (row) => scores[row]!),
            Uint8Array.from(rows, (row) => labels[row]!),
          ),
        );
      }
    }
    const {numbers, ...measured} = measuredValues(context, values, (name) =>
      isOfPixels(name)
        ? onePixelClassOnly(pixels!)
        : oneClassOnly(normal, anomalous, `${recipe.part ?? 'test'} images`),
    );
    await writeMetrics(join(context.out, 'metrics.arrow'), numbers);
    const lost = pixels && lostDefects(pixels, labels);
    const reasons = {
      ...(lost !== undefined &&
        Object.fromEntries(recipe.metrics.filter(({type}) => isOfPixels(type)).map(({type}) => [type, lost]))),
      ...measured.reasons,
    };
    if (lost !== undefined) context.warn(lost);
    const summary: EvaluateSummary = {
      metrics: measured.metrics,
      ...(Object.keys(reasons).length > 0 && {reasons}),
      normal,
      anomalous,
      ...kindsOf(classes, classNames, normalClass, measures),
      ...aboutMetrics(context, recipe.metrics, recipe.part),
    };
    return {...summary};
  },
});

/** Every kind of anomaly alone, against all normal images, if there are at least two kinds. */
function kindsOf(
  classes: Int32Array,
  classNames: readonly string[],
  normalClass: number,
  measures: ReadonlyMap<string, (rows: readonly number[]) => unknown>,
): Pick<EvaluateSummary, 'kinds'> {
  const kinds = [...new Set(classes)].filter((label) => label !== normalClass).sort((a, b) => a - b);
  if (kinds.length < 2) return {};
  const summary = (kind: number): KindSummary => {
    const rows = [...classes.keys()].filter((row) => classes[row] === normalClass || classes[row] === kind);
    return {
      images: rows.filter((row) => classes[row] === kind).length,
      metrics: Object.fromEntries([...measures].map(([name, measure]) => [name, measuredValue(measure(rows))])),
    };
  };
  return {kinds: Object.fromEntries(kinds.map((kind) => [classNames[kind]!, summary(kind)]))};
}

/** The chosen images. */
function someOf({height, width, maps, masks, regions}: PixelSample, rows: readonly number[]): PixelSample {
  const area = height * width;
  const some = {maps: new Float32Array(rows.length * area), masks: new Uint8Array(rows.length * area)};
  for (const [to, row] of rows.entries()) {
    some.maps.set(maps.subarray(row * area, (row + 1) * area), to * area);
    some.masks.set(masks.subarray(row * area, (row + 1) * area), to * area);
  }
  return {count: rows.length, height, width, ...some, ...(regions && {regions: rows.map((row) => regions[row]!)})};
}

export interface Evaluation {
  readonly metrics: readonly PluginRef[];
  /** Id of the stage that leaves the scores and, for metrics of pixels, the heat maps. */
  readonly scores: string;
  readonly result: ResultRef;
}

/** Adds the stage that computes metrics of scores. */
export function evaluation(
  context: TaskContext,
  graph: StageGraphBuilder,
  {metrics, scores, result}: Evaluation,
): void {
  const ofPixels = metrics.some(({type}) => graph.plugins.get('metric', type).of === 'pixels');
  const uses = metrics.flatMap((ref) => usedBy(graph.plugins, 'metric', ref));
  graph.addStage(evaluate, context, {
    label: `evaluate ${graph.labelOf(scores).replace(/^(score|localize) /, '')}`,
    recipe: {
      metrics,
      versions: versionsOf(uses),
      normal: context.normal,
      ...(result.part && {part: result.part}),
    },
    inputs: {
      scores: {stage: scores, file: 'scores.arrow'},
      ...(ofPixels && {
        maps: {stage: scores, file: 'maps.arrow'},
        images: imagesOf(context, graph, 'test'),
      }),
    },
    uses,
    result,
  });
}

/** Id of a stage that leaves `scores.arrow`, and the name of the classifier's column in tables. */
export interface Scored {
  readonly stage: string;
  /** The same of the validation images, if the task holds images out. */
  readonly validation?: string;
  readonly classifier: string;
}

/** Adds the stages that compute a classifier's metrics of each part of the images. */
export function evaluations(
  context: TaskContext,
  graph: StageGraphBuilder,
  {stage, validation, classifier}: Scored,
  metrics: {readonly [part in Part]: readonly PluginRef[]},
): void {
  const result = {task: context.task.id, classifier};
  if (metrics.test.length > 0) evaluation(context, graph, {metrics: metrics.test, scores: stage, result});
  if (validation !== undefined && metrics.validation.length > 0)
    evaluation(context, graph, {
      metrics: metrics.validation,
      scores: validation,
      result: {...result, part: 'validation'},
    });
}

/** A sentence about anomalous images without a marked pixel, whose defects were cut off; undefined if there are none. */
function lostDefects({count, height, width, masks}: PixelSample, labels: Uint8Array): string | undefined {
  const area = height * width;
  let lost = 0;
  for (let i = 0; i < count; i++)
    if (labels[i] === 1 && masks.subarray(i * area, (i + 1) * area).every((mask) => mask === 0)) lost++;
  const anomalous = labels.reduce((sum, label) => sum + label, 0);
  return lost === 0
    ? undefined
    : `${lost} of ${plural(anomalous, 'anomalous image has', 'anomalous images have')} no marked pixel: their defects were cut off, and count as normal pixels`;
}

function onePixelClassOnly({masks}: PixelSample): string | undefined {
  const marked = masks.reduce((sum, mask) => sum + (mask === 0 ? 0 : 1), 0);
  if (marked === 0) return 'no pixel of the test images is marked as a defect';
  return marked === masks.length ? 'every pixel of the test images is marked as a defect' : undefined;
}

/** Scores and masks of all pixels of the test images: 5 bytes of memory for each pixel. */
async function readPixels(context: StageContext): Promise<PixelSample> {
  const maps = await readMaps(inputOf(context, 'maps'));
  const masks = new Uint8Array(maps.data.length);
  const regions: (readonly Region[])[] = [];
  let filled = 0;
  for await (const batch of readImages(inputOf(context, 'images'))) {
    if (!batch.masks) throw new Error('the test images have no masks');
    masks.set(batch.masks, filled);
    regions.push(...(batch.regions ?? []));
    filled += batch.masks.length;
  }
  if (filled !== masks.length) throw new Error(`${masks.length} scores of pixels for ${filled} in the masks`);
  return {
    count: maps.count,
    height: maps.height,
    width: maps.width,
    maps: maps.data,
    masks,
    ...(regions.length > 0 && {regions}),
  };
}
