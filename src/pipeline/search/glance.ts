/** The tasks of a mark: the training up to there, and a cheap estimate of how good it is, by one classifier on few images. */
import type {Task} from '../config/spec.ts';
import type {Objective, Search} from './read.ts';
import type {Point} from './space.ts';
import type {Stopping} from './stopping.ts';

/** `point`: of the trial; the settings of stage two play no part. */
export function glanceOf(
  task: Task,
  point: Point,
  {classifier, images}: Stopping,
  {metric}: Search['objective'],
): Task {
  const {localize: _, ensemble: __, ...rest} = task;
  const metrics = task.metrics.filter(({type}) => type === metric);
  return {...rest, classifiers: [classifier], metrics, glance: {images}, point};
}

/** The objective as a task measures it: at a mark, whatever scores there. */
export function objectiveOf(objective: Objective, task: Pick<Task, 'glance'> | undefined): Objective {
  const {classifier: _, ...others} = objective;
  return task?.glance ? others : objective;
}
