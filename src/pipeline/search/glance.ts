/** What a training is compared by at a mark: the objective as at its end, but on few images, and nothing else. */
import type {Plugins} from '../../core/plugin/registry.ts';
import type {Task} from '../config/spec.ts';
import {classifierNames} from '../plan/names.ts';
import type {Stopping} from './stopping.ts';

export function glanceOf(task: Task, metric: string, {images}: Pick<Stopping, 'images'>, plugins: Plugins): Task {
  const {localize: _, ensemble: __, trial, ...rest} = task;
  const names = classifierNames(plugins, task.classifiers);
  const classifiers = task.classifiers.filter((_, i) => names[i] === trial!.classifier);
  // Alone, its name may be shorter than beside the others.
  const [classifier] = classifierNames(plugins, classifiers) as [string];
  return {
    ...rest,
    classifiers,
    metrics: task.metrics.filter(({type}) => type === metric),
    trial: {...trial!, classifier},
    glance: {images},
  };
}
