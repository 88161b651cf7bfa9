/** A classifier as a `score` stage has fitted it. */
import type {Matrix, Scorer} from '../../core/plugin/contracts.ts';
import type {Plugins} from '../../core/plugin/registry.ts';
import {Rng} from '../../core/random.ts';
import {readArrays} from '../../core/table/arrays.ts';
import {readFeatures} from '../../core/table/features.ts';
import type {ScoreRecipe} from '../stages/recipes.ts';
import {createPlanned} from '../stages/shared.ts';
import type {StageRecord} from '../store/record.ts';
import type {Shelf} from './shelf.ts';

export interface Fitted {
  readonly scorer: Scorer;
  /** What it was fitted on. */
  readonly train: Matrix;
  /** What the training images score when they are held out: what new normal ones are to be compared with. NaN of a single one. */
  heldOut(): Float64Array;
}

export async function openFitted({id, node}: StageRecord, shelf: Shelf, plugins: Plugins): Promise<Fitted> {
  const {classifier: ref, version, seed} = node.recipe as unknown as ScoreRecipe;
  const classifier = createPlanned({plugins, sources: []}, 'classifier', ref, {[`classifier ${ref.type}`]: version});
  const scorer = classifier.restore(await readArrays(await shelf.file({stage: id, file: 'classifier.arrow'})));
  const {features: train} = await readFeatures(await shelf.file(node.inputs['train']!));
  return {
    scorer,
    train,
    heldOut() {
      if (!classifier.heldOut) return scorer.score(train);
      return train.rows > 1 ? classifier.heldOut(train, new Rng(seed).fork('classifier')) : Float64Array.of(Number.NaN);
    },
  };
}
