/** Finds out once what the stages of a task have in common. */

import {invariant} from '../../core/base/result.ts';
import type {PluginRef} from '../../core/contracts/definition.ts';
import {type Plugins, pathOptions} from '../../core/plugin/registry.ts';
import type {Task} from '../config/spec.ts';
import type {TaskContext} from '../stages/define.ts';
import {classifierNames} from './names.ts';
import {datasetKey, learnerKey, type Sources} from './sources.ts';
import {usedBy} from './used.ts';

export function contextOf(task: Task, plugins: Plugins, sources: Sources): TaskContext {
  const dataset = plugins.create('dataset', task.dataset);
  const inlier = dataset.perInlier ? task.inlier : undefined;
  const key = datasetKey(task.dataset, inlier);
  const absent = sources.absent.get(key);
  invariant(absent || sources.datasets.has(key), `the files of dataset "${task.dataset.type}" were not located`);
  const learner = plugins.get('learner', task.learner.type);
  const defaultLayer = learner.layers[0]!;
  const names = classifierNames(plugins, task.classifiers);
  return {
    task,
    dataset,
    datasetFiles: sources.datasets.get(key) ?? [],
    absent,
    normal: dataset.normalClass(task.inlier),
    inlier,
    learner: without(task.learner, pathOptions(learner)),
    learnerFiles: sources.learners.get(learnerKey(task.learner)) ?? [],
    learnerUses: usedBy(plugins, 'learner', task.learner),
    trains: learner.trains,
    defaultLayer,
    classifiers: task.classifiers.map((classifier, i) => ({
      classifier,
      name: names[i]!,
      layer: layerOf(plugins, classifier, defaultLayer),
    })),
    ...(task.refine && {
      refining: {classifier: task.refine.classifier, layer: layerOf(plugins, task.refine.classifier, defaultLayer)},
    }),
    parts: task.validation ? ['test', 'validation'] : ['test'],
    metricsOf: (...subjects) =>
      task.metrics.filter(({type}) => subjects.includes(plugins.get('metric', type).of ?? 'scores')),
  };
}

const without = (ref: PluginRef, options: readonly string[]): PluginRef => {
  const {type, ...rest} = ref;
  return {type, ...Object.fromEntries(Object.entries(rest).filter(([name]) => !options.includes(name)))};
};

/** The layer that a classifier reads: its `layer` option, else its definition's `layer`, else the learner's first layer. */
function layerOf(plugins: Plugins, classifier: PluginRef, otherwise: string): string {
  const own = classifier['layer'];
  return typeof own === 'string' ? own : (plugins.get('classifier', classifier.type).layer ?? otherwise);
}
