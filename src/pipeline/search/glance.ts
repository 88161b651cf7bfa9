/** What a training is compared by at a mark: the objective as at its end, but on few images, and nothing else. */
import type {Plugins} from '../../core/plugin/registry.ts';
import type {Task} from '../config/spec.ts';
import {classifierNames} from '../plan/names.ts';
import type {Objective} from './read.ts';
import type {Stopping} from './stopping.ts';

export function glanceOf(task: Task, objective: Objective, {images}: Stopping, plugins: Plugins): Task {
  const {localize: _, ensemble: __, ...rest} = task;
  const names = classifierNames(plugins, task.classifiers);
  const {classifier = names[0], metric} = objective;
  return {
    ...rest,
    classifiers: task.classifiers.filter((_, i) => names[i] === classifier),
    metrics: task.metrics.filter(({type}) => type === metric),
    glance: {images},
  };
}

/** The objective as a task measures it: at a mark there is one classifier, whose name may be shorter than beside the others. */
export function objectiveOf(objective: Objective, {glance}: Pick<Task, 'glance'>): Objective {
  const {classifier: _, ...others} = objective;
  return glance ? others : objective;
}
