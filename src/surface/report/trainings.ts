/** What a run's trainings have recorded, epoch by epoch. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import type {CurvePoint} from '../../core/contracts/learner.ts';
import {readCurve} from '../../core/formats/arrow/small.ts';
import type {Task} from '../../pipeline/config/spec.ts';
import {recipeOf} from '../../pipeline/stages/define.ts';
import {learn} from '../../pipeline/stages/learn.ts';
import type {RunRecord, StageRecord} from '../../pipeline/store/runs/record.ts';
import {compareNumbered} from '../tables/compare.ts';
import {labelsOf} from '../tables/names.ts';
import {runNames} from '../tables/run-names.ts';
import type {Artifacts} from './artifacts.ts';

/** Trainings whose curves are drawn, and points of all of them together. */
const mostCurves = 150;
const mostPoints = 6000;

/** By what trainings differ, in the order in which they are named. */
export const facets = ['dataset', 'method', 'class', 'seed'] as const;
export type Facet = (typeof facets)[number];

type Options = {readonly [key: string]: Json};

export interface Training {
  readonly of: {readonly [facet in Facet]: string};
  /** Unique among the trainings: `rotation · bag · seed 0`, without what is the same for all. */
  readonly name: string;
  readonly curve: readonly CurvePoint[];
}

export interface Trainings {
  readonly curves: readonly Training[];
  /** Of the longest, all of its epochs; the curves have every so many of theirs, and the last. */
  readonly epochs: number;
  readonly isThinned: boolean;
  /** Stages that trained; more than there are curves where there are too many, or their entries are gone. */
  readonly trained: number;
  /** Why some could not be read. */
  readonly missing: readonly string[];
}

export async function trainingsOf(record: RunRecord, artifacts: Artifacts): Promise<Trainings> {
  const trained = learnt(record).filter(({fingerprint}) => fingerprint !== undefined);
  const tasks = new Map(record.tasks.map((task) => [task.id, task]));
  const taskOf = ({node}: StageRecord): Task => tasks.get(node.tasks[0]!)!;
  const shown = trained.slice(0, mostCurves);
  const {options} = runNames(record);
  const methods = labelsOf(
    shown.map((stage) => {
      const {dataset, compare} = taskOf(stage);
      return {
        dataset: dataset.type,
        paperRow: compare.row,
        options: shared(stage.node.tasks.map((id) => options.get(id)!)),
      };
    }),
  );
  const found: Omit<Training, 'name'>[] = [];
  const missing = new Set<string>();
  let [epochs, isThinned] = [0, false];
  for (const [at, stage] of shown.entries()) {
    const file = await artifacts.file(stage, 'curve.arrow');
    if (!file.ok) {
      for (const {message} of file.failures) missing.add(message);
      continue;
    }
    const whole = await readCurve(file.value);
    if (whole.length === 0) continue;
    const curve = thinned(whole, Math.floor(mostPoints / shown.length));
    epochs = Math.max(epochs, whole.at(-1)!.epoch + 1);
    isThinned ||= curve.length < whole.length;
    const {dataset, inlier, seed} = taskOf(stage);
    found.push({of: {dataset: dataset.type, method: methods[at]!, class: inlier, seed: String(seed)}, curve});
  }
  return {curves: named(found), epochs, isThinned, trained: trained.length, missing: [...missing]};
}

/** What all of them have: what comes after the training is no difference between trainings. */
function shared([first, ...others]: readonly Options[]): Options {
  const same = (key: string, value: Json) =>
    others.every((other) => canonicalJson(other[key] ?? null) === canonicalJson(value));
  return Object.fromEntries(Object.entries(first!).filter(([key, value]) => same(key, value)));
}

function named(trainings: readonly Omit<Training, 'name'>[]): readonly Training[] {
  const varying = facets.filter((facet) => valuesOf(trainings, facet).length > 1);
  const said = varying.length > 0 ? varying : (['method'] as const);
  const taken = new Map<string, number>();
  return trainings.map((one) => {
    const name = said.map((facet) => (facet === 'seed' ? `seed ${one.of.seed}` : one.of[facet])).join(' · ');
    const count = (taken.get(name) ?? 0) + 1;
    taken.set(name, count);
    return {...one, name: count === 1 ? name : `${name} (${count})`};
  });
}

/** Methods and seeds in the order of their numbers, others in that of the trainings. */
export function valuesOf(trainings: readonly Pick<Training, 'of'>[], facet: Facet): readonly string[] {
  const values = [...new Set(trainings.map(({of}) => of[facet]))];
  return facet === 'method' || facet === 'seed' ? values.sort(compareNumbered) : values;
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
