import type {Learner, MapOfGraph, Size} from '../../core/contracts/learner.ts';
import {readArrays} from '../../core/formats/arrow/arrays.ts';
import {ModelError} from '../../core/formats/image-model.ts';
import {GraphBuilder, type Value} from '../../core/formats/onnx/builder.ts';
import {startOnnx} from '../../core/formats/onnx/runtime.ts';
import {networksOf, type Plugins} from '../../core/plugin/registry.ts';
import type {Task} from '../config/spec.ts';
import {recipeOf} from '../stages/define.ts';
import {embed} from '../stages/embed.ts';
import {createPlanned, StageError} from '../stages/shared.ts';
import type {RunRecord} from '../store/runs/record.ts';
import type {FittedClassifier} from './find.ts';
import {filesOf, type RunArtifacts} from './run-artifacts.ts';

interface Trained {
  readonly record: RunRecord;
  readonly task: Task;
  readonly classifier: FittedClassifier;
  readonly artifacts: RunArtifacts;
  readonly plugins: Plugins;
}

/** The learner whose features the classifier reads. Images are float32 (n, h, w, 3) in [0, 1]. */
export async function openEncoder({record, task, classifier, artifacts, plugins}: Trained) {
  const {node} = record.stages.find(({id}) => id === classifier.stage.node.inputs['test']!.stage)!;
  const {learner: ref, versions, layer, places} = recipeOf(embed, node)!;
  const learnt = node.inputs['weights']!;
  const sources = await filesOf(task.learner, plugins, await artifacts.entry(learnt.stage));
  const learner: Learner = createPlanned({plugins, sources}, 'learner', ref, versions);
  const weights = await readArrays(await artifacts.file(learnt));
  const {foreignGraph} = learner;
  const [network] = networksOf(plugins, ref);
  return {
    layer,
    /** Present: features are of places of maps. */
    places,
    /** Images → features of its layer, (n, d). */
    async graph(builder: GraphBuilder, images: Value, size: Size): Promise<Value> {
      if (foreignGraph) return allowed(foreignGraph.pool(builder, images, size));
      if (!learner.graph) throw cannot(`learner "${ref.type}"`);
      const features = learner.graph(builder, images, layer, weights, plugins);
      if (!features) throw cannot(`layer "${layer}" of learner "${ref.type}", with its network and options,`);
      return features;
    },
    /** Images → the maps of these layers. */
    async maps(
      builder: GraphBuilder,
      images: Value,
      size: Size,
      layers: readonly string[],
    ): Promise<readonly MapOfGraph[]> {
      if (foreignGraph) return allowed(foreignGraph.maps(builder, images, size, layers));
      const mapsGraph = network?.mapsGraph;
      if (!mapsGraph) throw cannot(`the maps of learner "${ref.type}", with its network,`);
      return sized(builder, images, size, (into, from) => {
        const maps = mapsGraph(into, weights, channelsFirst(into, from));
        return layers.map((name) => maps[name]!);
      });
    },
    /** Images → the map whose mean over places is the pooled feature. */
    async lastMap(builder: GraphBuilder, images: Value, size: Size): Promise<MapOfGraph> {
      const mapGraph = network?.mapGraph;
      if (!mapGraph) throw cannotExplain(`the last map of learner "${ref.type}", with its network,`);
      const make = (into: GraphBuilder, from: Value) => [mapGraph(into, weights, channelsFirst(into, from))];
      return (await sized(builder, images, size, make))[0]!;
    },
    /** Images → the learner's own score, (n). */
    ownScore(builder: GraphBuilder, images: Value): Value {
      const score = learner.ownScoreGraph?.(builder, images, weights, plugins);
      if (!score) throw cannotExplain(`the own score of learner "${ref.type}", with its network,`);
      return score;
    },
  };
}

const channelsFirst = (builder: GraphBuilder, images: Value): Value =>
  builder.node('Transpose', [images], {perm: [0, 3, 1, 2]});

type Make = (builder: GraphBuilder, images: Value) => readonly Value[];

async function sized(builder: GraphBuilder, images: Value, size: Size, make: Make): Promise<readonly MapOfGraph[]> {
  const shapes = await shapesOf(make, size);
  return make(builder, images).map((value, i) => {
    const [, channels, height, width] = shapes[i]!;
    return {value, channels: channels!, height: height!, width: width!};
  });
}

/** Found by running the nodes on an image. */
async function shapesOf(make: Make, {height, width}: Size): Promise<readonly (readonly number[])[]> {
  const builder = new GraphBuilder();
  const made = make(builder, builder.input('images', ['N', height, width, 3], 'Images.'));
  for (const [i, value] of made.entries()) builder.output(`map-${i}`, value, ['N', 'C', 'H', 'W'], 'A map.');
  const runner = await startOnnx(builder.finish({producer: 'pipeline', version: '', doc: '', metadata: {}}));
  try {
    const image = {name: 'images', shape: [1, height, width, 3], data: new Float32Array(3 * height * width)};
    const shapes: (readonly number[])[] = [];
    for (const i of made.keys()) shapes.push(await runner.shapeOf(image, `map-${i}`));
    return shapes;
  } finally {
    await runner.dispose();
  }
}

/** What a file does not allow is told as what a stage can't do. */
async function allowed<T>(made: Promise<T>): Promise<T> {
  return made.catch((error: unknown) => {
    if (!(error instanceof ModelError)) throw error;
    throw new StageError(
      error.message,
      'Write the network anew as such a file, or score images with "pipeline predict".',
    );
  });
}

export const cannot = (
  what: string,
  hint = 'Only plug-ins with a "graph" of ONNX nodes can be exported; "pipeline predict" scores images with any model.',
): StageError => new StageError(`${what} cannot be written as ONNX`, hint);

/** Of the maps of an explanation. */
export const cannotExplain = (what: string): StageError =>
  cannot(what, 'To export the scores alone, run the spec without "localize": all else is in the cache.');
