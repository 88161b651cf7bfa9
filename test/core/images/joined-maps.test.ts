import {readFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import type {FeatureMaps} from '../../../src/core/contracts/data.ts';
import {joinedMaps} from '../../../src/core/images/joined-maps.ts';
import {pattern} from '../../domain/networks/pattern.ts';
import {expectClose} from '../../rig/tensors.ts';

/** What PyTorch computed in float64: `scripts/make-dense-fixtures.py`. */
const {joined} = JSON.parse(readFileSync('test/fixtures/dense.json', 'utf8')) as {
  readonly joined: {readonly [neighbourhood: string]: readonly number[]};
};

const map = (channels: number, side: number, salt: number): FeatureMaps => ({
  count: 2,
  height: side,
  width: side,
  channels,
  data: Float32Array.from(pattern(2 * channels * side * side, salt)),
});
const maps = [map(3, 6, 21), map(5, 3, 22)];

test.for([1, 3, 5])('maps of two layers, means over %i × %i places: PyTorch’s', (neighbourhood) => {
  const places = joinedMaps(maps, {neighbourhood});
  expect(places).toMatchObject({count: 2, height: 6, width: 6, channels: 8});
  expectClose(places.data, joined[neighbourhood]!, {relative: 1e-6, absolute: 1e-6});
});

test('chosen channels are those of all, in order, and the size is still that of the largest map', () => {
  const all = joinedMaps(maps, {neighbourhood: 3});
  for (const channels of [[0, 2, 3, 7], [4, 6], [1]]) {
    const some = joinedMaps(maps, {neighbourhood: 3, channels});
    expect(some).toMatchObject({height: 6, width: 6, channels: channels.length});
    const wanted = Array.from({length: 72}, (_, place) => channels.map((channel) => all.data[place * 8 + channel]!));
    expect([...some.data]).toEqual(wanted.flat());
  }
});
