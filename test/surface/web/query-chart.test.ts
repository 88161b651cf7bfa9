/** Charts of what a query finds: which columns they show, and what is in them. */
import {expect, test} from 'vitest';
import type {QueryResult} from '../../../src/pipeline/store/results/results.ts';
import {axesOf, chartForm, queryChart} from '../../../src/surface/web/query-chart.ts';

const result = (columns: readonly string[], ...rows: readonly (readonly unknown[])[]): QueryResult =>
  ({columns: columns.map((name) => ({name, type: ''})), rows, more: false}) as unknown as QueryResult;

const named = (found: QueryResult, asked = '') => {
  const axes = axesOf(found, new URLSearchParams(asked));
  const name = (at: number | undefined) => (at === undefined ? undefined : found.columns[at]!.name);
  return axes && [name(axes.value), name(axes.over), name(axes.colour)];
};

const seeds = result(
  ['inlier', 'seed', 'classifier', 'value'],
  ['bag', 0, 'kde', 0.91],
  ['bag', 1, 'kde', 0.93],
  ['shirt', 0, 'oc-svm', 0.8],
  ['shirt', 1, 'oc-svm', null],
);

test('numbers that are not whole are shown over the first column of names; the next one has the colours', () => {
  expect(named(seeds)).toEqual(['value', 'inlier', 'classifier']);
  expect(named(seeds, 'value=value&over=seed&colour=inlier')).toEqual(['value', 'seed', 'inlier']);
  expect(named(seeds, 'value=value&over=seed&colour=')).toEqual(['value', 'seed', undefined]);
  // What is not there, or has no numbers.
  expect(named(seeds, 'value=inlier&over=none')).toEqual(['value', 'inlier', 'classifier']);
});

test('whole numbers where there are no others; over another number, or the rows, where nothing has names', () => {
  expect(named(result(['runs', 'n'], [1, 5], [2, 7]))).toEqual(['n', 'runs', undefined]);
  expect(named(result(['n'], [5], [7]))).toEqual(['n', undefined, undefined]);
});

test('no chart without numbers, or of one row; more or longer names than an axis can have are none', () => {
  expect(named(result(['a', 'b'], ['x', 'y'], ['z', 'y']))).toBeUndefined();
  expect(named(result(['n'], [5]))).toBeUndefined();
  const many = Array.from({length: 41}, (_, i) => [`id ${i}`, i / 2]);
  expect(named(result(['id', 'n'], ...many))).toEqual(['n', undefined, undefined]);
  const digests = ['a', 'b'].map((letter, i) => [letter.repeat(64), i / 2]);
  expect(named(result(['digest', 'n'], ...digests))).toEqual(['n', undefined, undefined]);
});

test('every row with a number is a mark that says what it is; the others are counted', async () => {
  const {text} = await queryChart(seeds, axesOf(seeds, new URLSearchParams())!);
  expect([...text.matchAll(/<title>([^<]*)<\/title>/g)].map(([, title]) => title)).toEqual([
    'bag, kde: 0.91',
    'bag, kde: 0.93',
    'shirt, oc-svm: 0.8',
  ]);
  expect(text).toContain('value over inlier, by classifier');
  expect(text).toContain('Without 1 row that has no number.');
});

test('dots over numbers are joined where a colour has one at each place, and only there', async () => {
  const lines = async (asked: string) =>
    (await queryChart(seeds, axesOf(seeds, new URLSearchParams(asked))!)).text.match(
      /<path[^>]* d="M[^"]*L[^"]*"[^>]*stroke-width="1.5"/g,
    )?.length ?? 0;
  expect(await lines('value=value&over=seed&colour=inlier')).toBe(1);
  expect(await lines('value=value&over=seed&colour=')).toBe(0);
});

test('the form has the columns that fit, and what is shown is chosen', () => {
  const {text} = chartForm(seeds, axesOf(seeds, new URLSearchParams())!, 'select "<b>"');
  const options = (label: string) =>
    [...new RegExp(`name="${label}">(.*?)</select>`, 's').exec(text)![1]!.matchAll(/<option([^>]*)>([^<]*)/g)].map(
      ([, chosen, name]) => `${name}${chosen!.includes('selected') ? '*' : ''}`,
    );
  expect(options('value')).toEqual(['seed', 'value*']);
  expect(options('over')).toEqual(['inlier*', 'classifier', 'seed', 'value']);
  expect(options('colour')).toEqual(['none', 'inlier', 'classifier*']);
  expect(text).toContain('value="select &quot;&lt;b&gt;&quot;"');
});
