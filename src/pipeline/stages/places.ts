/** Features of the places of images, from the maps of a learner's network. */
import {Rng} from '../../core/base/random.ts';
import type {FloatImage, ImageSet, Matrix} from '../../core/contracts/data.ts';
import {type Encoder, NoSuchMap} from '../../core/contracts/learner.ts';
import type {Grid} from '../../core/formats/arrow/features.ts';
import {joinedMaps} from '../../core/images/joined-maps.ts';
import {turned} from '../../core/images/turned.ts';
import type {Static} from '../../core/plugin/type.ts';
import type {PlacesOfImages} from './recipe.ts';
import {StageError} from './shared.ts';

export type Places = Static<typeof PlacesOfImages>;

interface Embedded {
  /** (images · places, d), image by image, row by row. */
  readonly features: Matrix;
  readonly grid: Grid;
}

/** Images → features of their places; then, if they are asked for, those of turned copies, one turn after the other. */
export function placeEmbedder(encoder: Encoder, {layers, neighbourhood, channels, turns = 1}: Places) {
  let chosen: readonly number[] | undefined;
  return async function* embed(images: ImageSet): AsyncGenerator<Embedded> {
    if (!encoder.maps)
      throw new StageError('the learner has no maps of its network', 'Use "localize" of type "patches".');
    for (let turn = 0; turn < turns; turn++) {
      const view = turn === 0 ? undefined : (image: FloatImage) => turned(image, turn / turns);
      const maps = await encoder.maps(images, layers, view).catch((error: unknown) => {
        if (!(error instanceof NoSuchMap)) throw error;
        throw new StageError(error.message, 'Correct "localize.layers".');
      });
      if (channels)
        chosen ??= chosenOf(
          channels,
          maps.reduce((sum, map) => sum + map.channels, 0),
        );
      const {count, height, width, channels: columns, data} = joinedMaps(maps, {neighbourhood, channels: chosen});
      yield {features: {rows: count * height * width, columns, data}, grid: [height, width]};
    }
  };
}

/** Numbers of the channels among `all`, ascending. */
export function chosenOf(channels: NonNullable<Places['channels']>, all: number): readonly number[] {
  const isList = Array.isArray(channels);
  const most = isList ? channels.reduce((a: number, b: number) => Math.max(a, b + 1), 0) : channels.random;
  if (most > all)
    throw new StageError(
      `the layers have ${all} channels together, but "channels" asks for ${isList ? `number ${most - 1}` : `${most} of them`}`,
      isList ? `Numbers are from 0 to ${all - 1}.` : `Use at most ${all}, or leave "channels" out for all.`,
    );
  if (isList) return [...channels].sort((a, b) => a - b);
  return [...new Rng(channels.seed).fork('channels').permutation(all).subarray(0, channels.random)].sort(
    (a, b) => a - b,
  );
}
