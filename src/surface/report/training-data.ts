/** Curves of the trainings of a run. */

import type {CurvePoint} from '../../core/contracts/learner.ts';
import {readCurve} from '../../core/formats/arrow/small.ts';
import {recipeOf} from '../../pipeline/stages/define.ts';
import {learn} from '../../pipeline/stages/learn.ts';
import type {RunRecord} from '../../pipeline/store/runs/record.ts';
import type {Methods} from '../tables/names.ts';
import type {Artifacts} from './artifacts.ts';

/** Trainings whose curves are drawn, and points of all of them together. */
const mostCurves = 150;
const mostPoints = 6000;

export interface Training {
  readonly method: string;
  readonly label: string;
  readonly curve: readonly CurvePoint[];
}

export interface Trainings {
  readonly curves: readonly Training[];
  /** Stages that trained; more than there are curves where there are too many, or their entries are gone. */
  readonly trained: number;
  /** Why some could not be read. */
  readonly missing: readonly string[];
}

export async function trainingsOf(record: RunRecord, methods: Methods, artifacts: Artifacts): Promise<Trainings> {
  const trained = learnt(record).filter(({fingerprint}) => fingerprint !== undefined);
  const shown = trained.slice(0, mostCurves);
  const curves: Training[] = [];
  const missing = new Set<string>();
  for (const stage of shown) {
    const file = await artifacts.file(stage, 'curve.arrow');
    if (!file.ok) {
      for (const {message} of file.failures) missing.add(message);
      continue;
    }
    const curve = thinned(await readCurve(file.value), Math.floor(mostPoints / shown.length));
    if (curve.length > 0) curves.push({method: methods.get(stage.node.tasks[0]!) ?? '', label: stage.label, curve});
  }
  return {curves, trained: trained.length, missing: [...missing]};
}

/** Stages that train, other than those that leave a network as it began. */
const learnt = (record: RunRecord) => record.stages.filter(({node}) => recipeOf(learn, node)?.normal !== undefined);

/** Ids of tasks whose network is trained. */
export const trainedTasks = (record: RunRecord): ReadonlySet<string> =>
  new Set(learnt(record).flatMap(({node}) => node.tasks));

/** Every so many epochs, and the last. */
function thinned(curve: readonly CurvePoint[], most: number): readonly CurvePoint[] {
  const step = Math.ceil(curve.length / Math.max(2, most));
  return curve.filter((_, i) => i % step === 0 || i === curve.length - 1);
}
