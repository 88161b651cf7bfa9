/** ONNX nodes of a `localize` stage that scores places of maps: maps → features of places, and scores of places → maps and scores of images. */
import type {ImageShape} from '../../core/contracts/data.ts';
import type {MapOfGraph, Size} from '../../core/contracts/learner.ts';
import type {GraphBuilder, Value} from '../../core/formats/onnx/builder.ts';
import {enlarged} from '../../core/images/bilinear.ts';
import {gaussianBlur} from '../../core/images/gaussian-blur.ts';
import {joinedAlong} from '../../core/images/joined-maps.ts';
import {resampledGraph, weighting} from '../../core/nn/layers-graph.ts';
import {chosenOf, type Places} from '../stages/places.ts';

export interface PlacesOfGraph extends Size {
  /** (n · height · width, columns). */
  readonly features: Value;
  readonly columns: number;
}

/** As `joinedMaps`. */
export function joinedGraph(
  builder: GraphBuilder,
  maps: readonly MapOfGraph[],
  {neighbourhood, channels}: Places,
): PlacesOfGraph {
  const {height, width} = maps.reduce((most, map) => (map.height * map.width > most.height * most.width ? map : most));
  const all = maps.reduce((sum, map) => sum + map.channels, 0);
  const sized = maps.map((map) => {
    const along = (from: number, to: number) =>
      weighting(from, (line, count) => joinedAlong(line, from, to, count, neighbourhood));
    const fits = map.height === height && map.width === width && neighbourhood === 1;
    return fits ? map.value : resampledGraph(builder, map.value, along(map.height, height), along(map.width, width));
  });
  const joined = builder.node('Concat', sized, {axis: 1});
  const chosen = channels && chosenOf(channels, all);
  const kept = chosen ? builder.node('Gather', [joined, builder.integers(...chosen)], {axis: 1}) : joined;
  const columns = chosen?.length ?? all;
  const last = builder.node('Transpose', [kept], {perm: [0, 2, 3, 1]});
  return {height, width, columns, features: builder.node('Reshape', [last, builder.integers(-1, columns)])};
}

/** Float64 scores (n, places) → a map of each image, float32 (n, height, width), as `localize` smooths it. */
export function smoothedGraph(
  builder: GraphBuilder,
  scores: Value,
  grid: Size,
  {height, width}: ImageShape,
  sigma: number,
): Value {
  const along = (from: number, to: number) =>
    weighting(from, (line, channels) => {
      const data = enlarged(line, {height: from, width: 1}, {height: to, width: 1}, channels);
      return gaussianBlur({height: to, width: 1, channels, data}, sigma, Math.round(4 * sigma)).data;
    });
  const small = builder.node('Reshape', [builder.toFloat(scores), builder.integers(-1, 1, grid.height, grid.width)]);
  const large = resampledGraph(builder, small, along(grid.height, height), along(grid.width, width));
  return builder.node('Reshape', [large, builder.integers(-1, height, width)]);
}

/** Float64 scores (n, places) → (n): the mean of the highest share. */
export function meanOfHighest(builder: GraphBuilder, scores: Value, places: number, share: number): Value {
  const count = Math.max(1, Math.floor(share * places));
  const highest = builder.node('TopK', [scores, builder.integers(count)], {axis: 1}, {outputs: 2});
  const sum = builder.node('ReduceSum', [highest, builder.integers(1)], {keepdims: 0});
  return builder.node('Mul', [sum, builder.double(1 / count)]);
}

/** The features (n, columns) of each image's highest place: features (n · places, columns), scores (n, places). */
export function featuresOfHighest(
  builder: GraphBuilder,
  scores: Value,
  {features, columns, height, width}: PlacesOfGraph,
): Value {
  const byImage = builder.node('Reshape', [features, builder.integers(-1, height * width, columns)]);
  const highest = builder.node('ArgMax', [scores], {axis: 1, keepdims: 1});
  return builder.node('GatherND', [byImage, highest], {batch_dims: 1});
}
