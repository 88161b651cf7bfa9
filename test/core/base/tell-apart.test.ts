import {expect, test} from 'vitest';
import {tellApart, textsOf} from '../../../src/core/base/tell-apart.ts';

const named = (...settings: Parameters<typeof tellApart>[0]) => tellApart(settings).map((tags) => tags.join(' '));

test('what varies is named by the end of its path, in full', () => {
  expect(named({'classifiers.0.nu': 0.05}, {'classifiers.0.nu': 0.2}, {'classifiers.0.nu': 0.005})).toEqual([
    'nu=0.05',
    'nu=0.2',
    'nu=0.005',
  ]);
  expect(named({k: 1 / 3, same: 1}, {k: 0.3333, same: 1})).toEqual(['k=0.3333333333333333', 'k=0.3333']);
  expect(named({only: 1})).toEqual(['']);
});

test('a name is as long as it must be', () => {
  const of = (encoder: number, decoder: number) => ({encoder: {width: encoder}, decoder: {width: decoder}});
  expect(named(of(8, 8), of(16, 8), of(8, 4))).toEqual([
    'encoder.width=8 decoder.width=8',
    'encoder.width=16 decoder.width=8',
    'encoder.width=8 decoder.width=4',
  ]);
  expect(named({a: {'0': 1}, b: {'0': 1}}, {a: {'0': 2}, b: {'0': 1}})).toEqual(['a.0=1', 'a.0=2']);
});

test('a plug-in is its name where that is enough, and its options where not', () => {
  const network = (type: string, width: number) => ({learner: {network: {type, width}}});
  expect(named(network('small', 8), network('resnet18', 1))).toEqual(['network=small', 'network=resnet18']);
  expect(named(network('small', 8), network('small', 16), network('resnet18', 1))).toEqual([
    'network=small width=8',
    'network=small width=16',
    'network=resnet18 width=1',
  ]);
  const crop = (min_side: number) => ({augment: [{type: 'crop', min_side}]});
  expect(named(crop(0.5), {augment: [{type: 'hflip'}]})).toEqual(['augment=crop', 'augment=hflip']);
  expect(named(crop(0.5), crop(0.25))).toEqual(['augment=crop(min_side=0.5)', 'augment=crop(min_side=0.25)']);
  expect(named({k: '1'}, {k: 1})).toEqual(['k="1"', 'k=1']);
});

test('lists and plug-ins have short texts as a spec writes them, and more only where these are the same', () => {
  const texts = (...values: Parameters<typeof textsOf>[0]) => [...textsOf(values).values()];
  const crop = (min_side: number) => ({crop: {min_side}});
  expect(texts(['hflip'], [crop(0.5), 'hflip'], [])).toEqual(['hflip', 'crop+hflip', 'none']);
  expect(texts([crop(0.5), 'hflip'], [crop(0.75), 'hflip'], ['hflip'])).toEqual([
    'crop+hflip(min_side=0.5)',
    'crop+hflip(min_side=0.75)',
    'hflip',
  ]);
  const cutpaste = {type: 'cutpaste', network: {type: 'small', width: 8}};
  expect(texts(cutpaste, {...cutpaste, patch: 32})).toEqual(['cutpaste', 'cutpaste(patch=32)']);
  expect(texts([32], [32, 32], 'none', [])).toEqual(['[32]', '[32,32]', '"none"', '[]']);
});

test('what one has and another lacks', () => {
  expect(named({limit: {}}, {limit: {train: 500}})).toEqual(['', 'train=500']);
});

test('folders are told by their last parts that differ', () => {
  const of = (folder: string) => ({dataset: {folder}});
  expect(named(of('/home/a/bolts/photos'), of('/home/a/nuts/photos'), of('/mnt/screws'))).toEqual([
    'folder=bolts/photos',
    'folder=nuts/photos',
    'folder=screws',
  ]);
  expect(named(of('/a/photos'), of('photos'))).toEqual(['folder=a/photos', 'folder=photos']);
});

test('another seed is not taken for that of a task', () => {
  expect(tellApart([{dataset: {seed: 0}}, {dataset: {seed: 1}}])).toEqual([['dataset.seed=0'], ['dataset.seed=1']]);
  expect(tellApart([{seed: 0}, {seed: 1}])).toEqual([['seed=0'], ['seed=1']]);
});
