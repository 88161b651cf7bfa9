/** How long stages take, by what others like them took: measured seconds, weighted by epochs and images where these are known. Pure. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import {recipeOf} from '../stages/define.ts';
import {learn} from '../stages/learn.ts';
import type {StageNode} from '../stages/stage.ts';

/** A stage, as far as its time depends on it. */
export interface Effort extends Pick<StageNode, 'kind' | 'recipe'> {
  /** Images that it reads; absent: not known. */
  readonly images?: number;
}

export interface Timed extends Effort {
  readonly seconds: number;
}

interface Level {
  readonly key: string;
  /** Of the stage: seconds are proportional to it. */
  readonly work: number;
}

/** Epochs of a training; undefined: the stage is none. */
export function epochsOf(effort: Effort): number | undefined {
  const epochs = recipeOf(learn, effort)?.learner['epochs'];
  return typeof epochs === 'number' && epochs > 0 ? epochs : undefined;
}

/** From stages of the same recipe to all of the kind. Seed, normal class and epochs do not matter for the speed. */
function levelsOf(effort: Effort): readonly Level[] {
  const {kind, recipe, images} = effort;
  const epochs = epochsOf(effort);
  const {seed: _, normal: __, versions: ___, ...rest} = recipe;
  const {learner} = rest as {readonly learner?: {readonly [option: string]: Json}};
  const same = canonicalJson({
    ...rest,
    ...(learner && {learner: {...learner, ...(epochs !== undefined && {epochs: 1})}}),
  });
  const likes = [`${kind} ${same}`, `${kind} ${epochs === undefined ? '' : 'training'}`];
  return likes.flatMap((key) => [
    ...(images === undefined || images === 0 ? [] : [{key: `${key} by image`, work: images * (epochs ?? 1)}]),
    {key, work: epochs ?? 1},
  ]);
}

/** Stages that were measured. */
export class Paces {
  readonly #sums = new Map<string, {seconds: number; work: number}>();

  constructor(measured: Iterable<Timed> = []) {
    for (const one of measured) this.add(one);
  }

  add(timed: Timed): void {
    for (const {key, work} of levelsOf(timed)) {
      const sum = this.#sums.get(key) ?? {seconds: 0, work: 0};
      this.#sums.set(key, {seconds: sum.seconds + timed.seconds, work: sum.work + work});
    }
  }

  at({key, work}: Level): number | undefined {
    const sum = this.#sums.get(key);
    return sum && (sum.seconds / sum.work) * work;
  }
}

/** Seconds that a stage may take: by the stages that are most like it, in the first of `paces` that has some. Undefined: none is known. */
export function secondsOf(effort: Effort, paces: readonly Paces[]): number | undefined {
  for (const level of levelsOf(effort))
    for (const pace of paces) {
      const seconds = pace.at(level);
      if (seconds !== undefined) return seconds;
    }
  return undefined;
}

/** Images that a stage reads, by the summary of its `data` stage: those of its normal class, or all of the split. */
export function imagesOf({kind, recipe}: Effort, file: string, summary: unknown): number | undefined {
  const counts = summary as {readonly classes?: readonly string[]; readonly train?: number[]; readonly test?: number[]};
  const split = file === 'train.arrow' ? counts?.train : file === 'test.arrow' ? counts?.test : undefined;
  if (!Array.isArray(split)) return undefined;
  const {normal} = recipe;
  if (typeof normal === 'string') return split[counts.classes?.indexOf(normal) ?? -1];
  return kind === learn.kind ? undefined : split.reduce((sum, count) => sum + count, 0); // weights without a training
}
