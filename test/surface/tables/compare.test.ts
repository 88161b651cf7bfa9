import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {readBaselines} from '../../../src/pipeline/store/results/baselines.ts';
import {type ComparisonRow, openResults} from '../../../src/pipeline/store/results/results.ts';
import {buildComparison, type ComparisonOptions} from '../../../src/surface/tables/compare.ts';
import {formatComparison, formatQuery, gridTable} from '../../../src/surface/tables/formats.ts';
import {fittingTable} from '../../../src/surface/tables/grid.ts';
import {auc, type MadeUpRun, makeRun, paperRotation} from '../../rig/runs.ts';

const baselines = readBaselines();

/** Rows as the store makes them of made-up runs. */
async function rowsOf(...runs: readonly Omit<MadeUpRun, 'id'>[]): Promise<readonly ComparisonRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'pipeline-compare-'));
  try {
    const results = openResults(join(folder, 'results.duckdb'));
    for (const [at, run] of runs.entries()) await results.ingestRun(makeRun(folder, {id: `r${at}`, ...run}));
    const rows = await results.comparisonRows();
    if (!rows.ok) throw new Error(JSON.stringify(rows.failures));
    return rows.value;
  } finally {
    rmSync(folder, {recursive: true});
  }
}

const compared = (rows: readonly ComparisonRow[], options: Partial<ComparisonOptions> = {}) =>
  buildComparison(rows, {title: 'quickstart', baselines, ...options});

const fashion = {type: 'fashion-mnist', edition: 'small'};
const small = {type: 'rotation', network: {type: 'small', width: 16}, epochs: 12};
const untrained = {type: 'untrained', network: {type: 'small', width: 16}};

const quick = await rowsOf({
  name: 'quickstart',
  tasks: ['trouser', 'bag'].flatMap((inlier, at) =>
    [0, 1, 2].flatMap((seed) => [
      {dataset: fashion, inlier, seed, learner: small, scores: auc(0.93 + at / 50 + seed / 100)},
      {
        dataset: fashion,
        inlier,
        seed,
        learner: untrained,
        compare: {row: 'untrained'},
        scores: seed === 2 ? {kde: {fails: 'out of memory'}} : auc(0.48 + at / 3),
      },
    ]),
  ),
});
const departures = (row: ComparisonRow) =>
  row.learner === 'rotation'
    ? ['network small (paper: resnet18)', 'epochs 12 (paper: 2048)']
    : ['network small (paper: resnet18)'];

test('a terminal table of a run', () => {
  expect(formatComparison(compared(quick, {departures}), 'table')).toMatchInlineSnapshot(`
    "quickstart

    normal class  method     classifier        ours       n       paper     Δ  verdict       note
    ───────────────────────────────────────────────────────────────────────────────────────────────
    trouser       rotation   kde         94.0 ± 1.0       3  99.7 ± 0.1  −5.7  below         [1][2]
    trouser       untrained  kde         48.0 ± 0.0  2 of 3           –     –  below chance  [1][3]
    ───────────────────────────────────────────────────────────────────────────────────────────────
    bag           rotation   kde         96.0 ± 1.0       3  98.3 ± 0.3  −2.3  below         [1][2]
    bag           untrained  kde         81.3 ± 0.0  2 of 3           –     –  –             [1][3]

    ± is the standard deviation over seeds (n - 1), as in the ICLR paper.
    below chance: more than two standard errors below 50.
    matches: within 1.0 point or two of the paper's standard deviations, whichever is larger (ours if the paper prints none).
    [1] not as in the paper: network small (paper: resnet18)
    [2] not as in the paper: epochs 12 (paper: 2048)
    [3] not computed, "score" failed: out of memory
    "
  `);
});

test('numbers of another engine than the run asked for have a footnote in every format', async () => {
  const task = (seed: number, ref = 0.9) => ({dataset: fashion, inlier: 'bag', seed, learner: small, scores: auc(ref)});
  const asked = {name: 'tensorflow', threads: 2};
  const rows = await rowsOf(
    {tasks: [task(0)], cached: true, maker: {name: 'wasm', threads: 1}, asked},
    {tasks: [task(1)], cached: true, maker: {name: 'tensorflow', threads: 8}, asked},
    {tasks: [task(2)], cached: true, maker: asked, asked},
  );
  const note = "(the run's engine: tensorflow with 2 threads)";
  const notes = [`computed by tensorflow with 8 threads ${note}`, `computed by wasm ${note}`];
  const comparison = compared(rows, {departures});
  expect(comparison.notes.slice(1)).toEqual(notes);
  for (const line of comparison.lines) expect(line.notes).toEqual([1, 2, 3]);
  for (const format of ['table', 'markdown', 'latex', 'csv', 'json'] as const)
    for (const text of notes) expect(formatComparison(comparison, format)).toContain(text);
  expect(formatComparison(comparison, 'table')).toContain(`[3] ${notes[1]}\n`);
  expect(formatComparison(comparison, 'csv')).toContain(
    ',"tensorflow with 2 threads, tensorflow with 8 threads, wasm",',
  );
  expect(compared(await rowsOf({tasks: [task(0)], cached: true, maker: asked, asked})).notes).toEqual([]);
});

test('a narrow terminal gets the columns in parts', () => {
  const text = formatComparison(compared(quick, {departures}), 'table', {columns: 60});
  expect(text).toMatchInlineSnapshot(`
    "quickstart

    normal class  method     classifier        ours       n
    ───────────────────────────────────────────────────────
    trouser       rotation   kde         94.0 ± 1.0       3
    trouser       untrained  kde         48.0 ± 0.0  2 of 3
    ───────────────────────────────────────────────────────
    bag           rotation   kde         96.0 ± 1.0       3
    bag           untrained  kde         81.3 ± 0.0  2 of 3

    normal class  method     classifier       paper     Δ
    ─────────────────────────────────────────────────────
    trouser       rotation   kde         99.7 ± 0.1  −5.7
    trouser       untrained  kde                  –     –
    ─────────────────────────────────────────────────────
    bag           rotation   kde         98.3 ± 0.3  −2.3
    bag           untrained  kde                  –     –

    normal class  method     classifier  verdict       note
    ─────────────────────────────────────────────────────────
    trouser       rotation   kde         below         [1][2]
    trouser       untrained  kde         below chance  [1][3]
    ─────────────────────────────────────────────────────────
    bag           rotation   kde         below         [1][2]
    bag           untrained  kde         –             [1][3]

    ± is the standard deviation over seeds (n - 1), as in the
      ICLR paper.
    below chance: more than two standard errors below 50.
    matches: within 1.0 point or two of the paper's standard
      deviations, whichever is larger (ours if the paper prints
      none).
    [1] not as in the paper: network small (paper: resnet18)
    [2] not as in the paper: epochs 12 (paper: 2048)
    [3] not computed, "score" failed: out of memory
    "
  `);
});

test('without a paper a footnote has the precision of networks that are not computed in float32', () => {
  const rows = quick.map((row, i) => ({
    ...row,
    paper: null,
    difference: null,
    verdict: null,
    ...(i === 0 && {options: {...row.options, precision: 'bf16'}}),
  }));
  const {lines, notes} = compared(rows, {departures});
  const note = notes.indexOf('networks computed in bf16') + 1;
  expect(lines.filter((line) => line.notes.includes(note))).toHaveLength(1);
});

test('without a paper there are neither its columns nor notes on its settings', () => {
  const rows = quick.map((row) => ({...row, paper: null, difference: null, verdict: null}));
  expect(formatComparison(compared(rows, {departures}), 'table')).toMatchInlineSnapshot(`
    "quickstart

    normal class  method     classifier        ours       n  note
    ─────────────────────────────────────────────────────────────
    trouser       rotation   kde         94.0 ± 1.0       3
    trouser       untrained  kde         48.0 ± 0.0  2 of 3  [1]
    ─────────────────────────────────────────────────────────────
    bag           rotation   kde         96.0 ± 1.0       3
    bag           untrained  kde         81.3 ± 0.0  2 of 3  [1]

    ± is the standard deviation over seeds (n - 1), as in the ICLR paper.
    [1] not computed, "score" failed: out of memory
    "
  `);
});

test('Markdown', () => {
  expect(formatComparison(compared(quick, {departures}), 'markdown')).toMatchInlineSnapshot(`
    "## quickstart

    | normal class | method | classifier | ours | n | paper | Δ | verdict | note |
    | --- | --- | --- | ---: | ---: | ---: | ---: | --- | --- |
    | trouser | rotation | kde | 94.0 ± 1.0 | 3 | 99.7 ± 0.1 | −5.7 | below | [1][2] |
    | trouser | untrained | kde | 48.0 ± 0.0 | 2 of 3 | – | – | below chance | [1][3] |
    | bag | rotation | kde | 96.0 ± 1.0 | 3 | 98.3 ± 0.3 | −2.3 | below | [1][2] |
    | bag | untrained | kde | 81.3 ± 0.0 | 2 of 3 | – | – | – | [1][3] |

    - ± is the standard deviation over seeds (n - 1), as in the ICLR paper.
    - below chance: more than two standard errors below 50.
    - matches: within 1.0 point or two of the paper's standard deviations, whichever is larger (ours if the paper prints none).
    - [1] not as in the paper: network small (paper: resnet18)
    - [2] not as in the paper: epochs 12 (paper: 2048)
    - [3] not computed, "score" failed: out of memory
    "
  `);
});

test('LaTeX', () => {
  expect(formatComparison(compared(quick.slice(0, 2), {departures}), 'latex')).toMatchInlineSnapshot(`
    "% quickstart; needs \\usepackage{booktabs}
    \\begin{tabular}{lllrrrrll}
    \\toprule
    normal class & method & classifier & ours & n & paper & $\\Delta$ & verdict & note \\\\
    \\midrule
    trouser & rotation & kde & 94.0 $\\pm$ 1.0 & 3 & 99.7 $\\pm$ 0.1 & $-$5.7 & below & [1] \\\\
    \\midrule
    bag & rotation & kde & 96.0 $\\pm$ 1.0 & 3 & 98.3 $\\pm$ 0.3 & $-$2.3 & below & [1] \\\\
    \\bottomrule
    \\end{tabular}

    % ± is the standard deviation over seeds (n - 1), as in the ICLR paper.
    % matches: within 1.0 point or two of the paper's standard deviations, whichever is larger (ours if the paper prints none).
    % [1] not as in the paper: network small (paper: resnet18); epochs 12 (paper: 2048)
    "
  `);
});

test('CSV has unrounded rates', () => {
  const text = formatComparison(compared(quick, {departures}), 'csv');
  expect(
    text
      .split('\n')
      .slice(0, 2)
      .map((line) => line.replace(/[0-9a-f]{64}/, '<config>')),
  ).toMatchInlineSnapshot(`
    [
      "dataset,inlier,method,label,classifier,metric,test_labels,ensemble,ours,sd,n,planned,paper,paper_spread,paper_spread_kind,paper_table,difference,verdict,not_as_in_the_paper,engines,not_by_the_engine_asked_for,config,runs,metric_label,standard_error,why,vouched,validation,validation_sd,validation_n,validation_type,best_of",
      "fashion-mnist,trouser,rotation,rotation,kde,auc,,,0.9400000000000001,0.010000000000000009,3,3,0.997,0.001,sd,iclr-table-10,-0.05699999999999994,below,network small (paper: resnet18); epochs 12 (paper: 2048),wasm,,<config>,r0,auc,0.005773502691896263,,true,,,,,",
    ]
  `);
});

test('JSON is the comparison itself', () => {
  const comparison = compared(quick);
  expect(JSON.parse(formatComparison(comparison, 'json'))).toEqual(JSON.parse(JSON.stringify(comparison)));
});

test('nothing to compare is said', () => {
  expect(formatComparison(compared([]), 'table')).toMatchInlineSnapshot(`
    "quickstart

    There are no results to compare.
    "
  `);
});

test('configurations of one method are told apart by the options in which they differ', async () => {
  const rows = await rowsOf({
    tasks: [
      {inlier: 'cat', seed: 0, learner: paperRotation, scores: auc(0.7)},
      {
        inlier: 'cat',
        seed: 0,
        learner: {...paperRotation, batch: 128},
        point: {'learner.batch': 128},
        scores: auc(0.8),
      },
      {inlier: 'cat', seed: 0, learner: paperRotation, limit: {train: 500}, point: {x: 1}, scores: auc(0.6)},
    ],
  });
  expect(compared(rows).lines.map((line) => line.label)).toEqual([
    'rotation batch=64',
    'rotation batch=64 train=500',
    'rotation batch=128',
  ]);
});

test('the best of several configurations is marked, where the same images, class, classifier and metric are', async () => {
  const point = (batch: number) => ({learner: {...paperRotation, batch}, point: {'learner.batch': batch}});
  const rows = await rowsOf({
    tasks: [
      {inlier: 'cat', seed: 0, ...point(32), scores: {...auc(0.7), ...auc(0.9, 'gde')}},
      {inlier: 'cat', seed: 0, ...point(64), scores: auc(0.8)},
      {inlier: 'cat', seed: 0, ...point(128), scores: auc(null)},
      // Other images, another class, another method: nothing to choose from.
      {inlier: 'cat', seed: 0, ...point(256), limit: {test: 500}, scores: auc(0.95)},
      {inlier: 'dog', seed: 0, ...point(32), scores: auc(0.9)},
      {inlier: 'cat', seed: 0, ...point(32), compare: {row: 'untrained'}, scores: auc(0.9)},
    ],
  });
  const marked = compared(rows, {better: () => 'higher'});
  expect(marked.lines.flatMap(({ours, bestOf}) => (bestOf === null ? [] : [[ours, bestOf]]))).toEqual([[0.8, 2]]);
  expect(marked.legend.filter((line) => line.startsWith('†'))).toEqual([
    '† beside the best of 2 configurations of a method and classifier: best by the test labels, too good by chance alone.',
  ]);
  for (const format of ['table', 'markdown', 'latex'] as const)
    expect(formatComparison(marked, format)).toMatch(/80\.0 †/);
  const lower = compared(rows, {better: () => 'lower'});
  expect(lower.lines.filter(({bestOf}) => bestOf !== null).map(({ours}) => ours)).toEqual([0.7]);
  // Of a metric of which it is not known, none is marked.
  expect(compared(rows).lines.every(({bestOf}) => bestOf === null)).toBe(true);
});

test("a cell of a paper's table is marked where it was chosen from several of ours", async () => {
  const classes = ['trouser', 'dress', 'coat', 'sandal', 'bag'];
  const rows = await rowsOf({
    tasks: classes.flatMap((inlier) =>
      [32, 64].map((batch) => ({
        dataset: {type: 'fashion-mnist'},
        inlier,
        seed: 0,
        learner: {...paperRotation, batch},
        point: {'learner.batch': batch},
        compare: {table: 'iclr-table-10', row: 'rotation'},
        scores: auc(0.8 + batch / 1000),
      })),
    ),
  });
  const {grid} = compared(rows, {better: () => 'higher', table: 'iclr-table-10'});
  const ours = grid!.rows.flatMap((row) => row.ours);
  expect(ours.map(({cells}) => cells.filter((cell) => cell?.bestOf === 2).length)).toEqual([0, classes.length]);
});

test('metrics: rates times 100, others as they are; only those asked for', async () => {
  const rows = await rowsOf({
    tasks: [0, 1].map((seed) => ({
      inlier: 'cat',
      seed,
      scores: {kde: {metrics: {auc: 0.75, fpr95: 0.125 + seed / 4, uniformity: -2.5}}},
    })),
  });
  expect(formatComparison(compared(rows), 'table')).toMatchInlineSnapshot(`
    "quickstart

    normal class  method    classifier  metric                ours  n       paper     Δ  verdict
    ────────────────────────────────────────────────────────────────────────────────────────────
    cat           rotation  kde         auc             75.0 ± 0.0  2  78.3 ± 1.0  −3.3  below
    cat           rotation  kde         fpr95          25.0 ± 17.7  2           –     –  –
    cat           rotation  kde         uniformity  −2.500 ± 0.000  2           –     –  –

    ± is the standard deviation over seeds (n - 1), as in the ICLR paper.
    matches: within 1.0 point or two of the paper's standard deviations, whichever is larger (ours if the paper prints none).
    "
  `);
  expect(compared(rows, {metrics: ['auc']}).lines.map((line) => line.metric)).toEqual(['auc']);
});

const byDataset = [
  ['cifar10', ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'], 0.91],
  ['cats-vs-dogs', ['cat', 'dog'], 0.8],
  ['celeba', ['no-eyeglasses'], 0.7],
] as const;
const tasksOf = (datasets: readonly (readonly [string, readonly string[], number])[], seeds = 5) =>
  datasets.flatMap(([type, classes, value]) =>
    classes.flatMap((inlier) =>
      Array.from({length: seeds}, (_, seed) => ({dataset: {type}, inlier, seed, scores: auc(value + seed / 1000)})),
    ),
  );

test("a paper's table: rows are methods, columns datasets, ours below the paper's", async () => {
  const rows = await rowsOf({name: 'table-1', tasks: tasksOf(byDataset)});
  const text = formatComparison(compared(rows, {title: 'table-1', table: 'blog-table-1'}), 'table');
  expect(text).toMatchInlineSnapshot(`
    "table-1

    method          classifier              cifar10    cifar100  fashion-mnist  cats-vs-dogs
    ────────────────────────────────────────────────────────────────────────────────────────
    ruff-2018       –           paper          64.8           –              –             –
    golan-2018      –           paper          86.0        78.7           93.5          88.8
    bergman-2020    –           paper          88.2           –           94.1             –
    hendrycks-2019  –           paper          90.1           –              –             –
    huang-2019      –           paper          86.6        78.8           93.9             –
    ────────────────────────────────────────────────────────────────────────────────────────
    rotation        kde         paper    91.3 ± 0.3  84.1 ± 0.6     95.8 ± 0.3    86.4 ± 0.6
                                ours   91.2 ± 0.2 =           –              –  80.2 ± 0.2 -
    ────────────────────────────────────────────────────────────────────────────────────────
    contrastive-da  oc-svm-rbf  paper    92.5 ± 0.6  86.5 ± 0.7     94.8 ± 0.3    89.6 ± 0.5

    ± is the standard deviation over seeds (n - 1), as in the ICLR paper.
    ± of a mean over classes is the mean of the classes' ±.
    matches: within 1.0 point or two of the paper's standard deviations, whichever is larger (ours if the paper prints none).
    = matches the paper, + above it, - below it, ! below chance; (n) number of seeds; – no number.
    "
  `);
});

test('a mean over some classes says so, data that are not here too, and other classifiers than the table has are left out', async () => {
  const some = [
    ['cifar10', ['airplane', 'automobile'], 0.9],
    ['cats-vs-dogs', ['cat', 'dog'], 0.8],
  ] as const;
  const rows = await rowsOf({
    name: 'table-1',
    tasks: tasksOf(some, 2).map((task) => ({...task, scores: {...task.scores, ...auc(0.7, 'oc-svm-rbf')}})),
  });
  const absent = ['aquatic-mammals', 'fish'].map((inlier) => {
    return {spec: 'a', table: 'blog-table-1', dataset: 'cifar100', inlier, message: 'not found: looked in ./data'};
  });
  const named = rows.map((row) => ({...row, specTable: 'blog-table-1'}));
  expect(fittingTable(named, baselines)).toBe('blog-table-1');
  expect(fittingTable(named.slice(0, 1), baselines)).toBeUndefined();
  expect(fittingTable(named.slice(0, 1), baselines, absent)).toBe('blog-table-1');
  const comparison = compared(rows, {title: 'table-1', table: 'blog-table-1', absent});
  const grid = {...comparison.grid!, rows: comparison.grid!.rows.filter((row) => row.ours.length > 0)};
  expect(formatComparison({...comparison, grid}, 'table')).toMatchInlineSnapshot(`
    "table-1

    method    classifier                     cifar10    cifar100  fashion-mnist      cats-vs-dogs
    ─────────────────────────────────────────────────────────────────────────────────────────────
    rotation  kde         paper           91.3 ± 0.3  84.1 ± 0.6     95.8 ± 0.3        86.4 ± 0.6
                          ours   90.1 ± 0.1 (2) 2/10      absent              –  80.0 ± 0.1 (2) -

    ± is the standard deviation over seeds (n - 1), as in the ICLR paper.
    ± of a mean over classes is the mean of the classes' ±.
    matches: within 1.0 point or two of the paper's standard deviations, whichever is larger (ours if the paper prints none).
    = matches the paper, + above it, - below it, ! below chance; (n) number of seeds; – no number.
    2/10: a mean over only 2 of 10 classes; it has no verdict.
    Left out, because the table has no such row: rotation oc-svm-rbf (--format csv has them).
    absent: cifar100 (aquatic-mammals, fish): not found: looked in ./data
    "
  `);
  const list = formatComparison(compared(rows.slice(0, 1), {absent}), 'table');
  expect(list).toContain('absent: cifar100 (aquatic-mammals, fish): not found: looked in ./data');
});

test('the mean over datasets is weighted by tasks, and only of all five under the same settings', async () => {
  const cifar100 = baselines.filter(
    (row) => row.table === 'iclr-table-9' && row.method === 'rotation' && row.classifier === 'kde',
  );
  const classes = (table: string) =>
    baselines
      .filter(
        (row) => row.table === table && row.method === 'rotation' && row.classifier === 'kde' && row.class !== 'mean',
      )
      .map((row) => row.class);
  expect(cifar100).toHaveLength(21);
  const rest = [
    ['cifar100', classes('iclr-table-9'), 0.84],
    ['fashion-mnist', classes('iclr-table-10'), 0.95],
  ] as const;
  const ours = async (tasks: MadeUpRun['tasks']) => {
    const {grid} = compared(await rowsOf({tasks}), {table: 'iclr-table-7'});
    const row = grid!.rows.find((it) => it.method === 'rotation' && it.classifier === 'kde')!;
    return row.ours.map((it) => it.cells[grid!.columns.indexOf('all')]);
  };
  const all = tasksOf([...byDataset, ...rest], 1);
  const expected = (10 * 0.91 + 20 * 0.84 + 10 * 0.95 + 2 * 0.8 + 0.7) / 43;
  expect(await ours(all)).toEqual([{value: expect.closeTo(expected, 12), spread: null, n: 1, verdict: 'matches'}]);
  expect(await ours(tasksOf([...byDataset, rest[0]], 1))).toEqual([null]);
  const other = all.map((task) =>
    task.dataset.type === 'celeba' ? {...task, learner: {...paperRotation, epochs: 9}} : task,
  );
  expect(await ours(other)).toEqual([null]);
});

test("CutPaste's tables: categories are rows as printed, ± is the standard error", async () => {
  const categories = baselines
    .filter((row) => row.table === 'cutpaste-table-1' && row.method === 'cutpaste')
    .map((row) => row.class)
    .filter((name) => !name.startsWith('mean'));
  const rows = await rowsOf({
    tasks: categories.flatMap((inlier) =>
      [0, 1, 2, 3].map((seed) => ({
        dataset: {type: 'mvtec'},
        inlier,
        seed,
        learner: {type: 'cutpaste'},
        compare: {row: 'cutpaste'},
        scores: auc((inlier === 'carpet' ? 0.7 : 0.9) + seed / 100, 'gde'),
      })),
    ),
  });
  const comparison = compared(rows, {title: 'MVTec', table: 'cutpaste-table-1'});
  const grid = comparison.grid!;
  const row = grid.rows.find((it) => it.method === 'cutpaste')!;
  const cell = (column: string) => row.ours[0]!.cells[grid.columns.indexOf(column)];
  // Seeds 0, .01, .02, .03: sd 0.012910, standard error half of it.
  const se = expect.closeTo(0.0129099 / 2, 6);
  expect(cell('carpet')).toEqual({value: expect.closeTo(0.715, 9), spread: se, n: 4, verdict: 'matches'});
  expect(cell('mean-texture')).toEqual({value: expect.closeTo(0.875, 9), spread: se, n: 4, verdict: 'below'});
  // Paper: 90.5 with standard error 0.6.
  expect(cell('mean-object')).toEqual({value: expect.closeTo(0.915, 9), spread: se, n: 4, verdict: 'matches'});
  expect(cell('mean')).toEqual({
    value: expect.closeTo(0.715 / 15 + (0.915 * 14) / 15, 9),
    spread: se,
    n: 4,
    verdict: 'matches',
  });
  const text = formatComparison({...comparison, grid: {...grid, rows: [row]}}, 'table', {columns: 100});
  expect(text).toMatchInlineSnapshot(`
    "MVTec

    normal class    cutpaste    ours: cutpaste
    ──────────────────────────────────────────
    carpet        67.9 ± 1.8  71.5 ± 0.6 (4) =
    grid          99.9 ± 0.1  91.5 ± 0.6 (4) -
    leather       99.7 ± 0.1  91.5 ± 0.6 (4) -
    tile          95.9 ± 1.0  91.5 ± 0.6 (4) =
    wood          94.9 ± 0.5  91.5 ± 0.6 (4) -
    ──────────────────────────────────────────
    mean-texture  91.7 ± 0.7  87.5 ± 0.6 (4) -
    ──────────────────────────────────────────
    bottle        99.2 ± 0.2  91.5 ± 0.6 (4) -
    cable         87.1 ± 0.8  91.5 ± 0.6 (4) +
    capsule       87.9 ± 0.7  91.5 ± 0.6 (4) +
    hazelnut      91.3 ± 0.6  91.5 ± 0.6 (4) =
    metal_nut     96.8 ± 0.5  91.5 ± 0.6 (4) -
    pill          93.4 ± 0.9  91.5 ± 0.6 (4) =
    screw         54.4 ± 1.7  91.5 ± 0.6 (4) +
    toothbrush    99.2 ± 0.2  91.5 ± 0.6 (4) -
    transistor    96.4 ± 0.7  91.5 ± 0.6 (4) -
    zipper        99.4 ± 0.1  91.5 ± 0.6 (4) -
    ──────────────────────────────────────────
    mean-object   90.5 ± 0.6  91.5 ± 0.6 (4) =
    ──────────────────────────────────────────
    mean          90.9 ± 0.7  90.2 ± 0.6 (4) =

    ± beside CutPaste is the standard error over seeds, as in the CutPaste paper.
    ± of a mean over classes is the mean of the classes' ±.
    matches: within 1.0 point or two of the paper's standard deviations, whichever is larger (ours if
      the paper prints none).
    = matches the paper, + above it, - below it, ! below chance; (n) number of seeds; – no number.
    "
  `);
});

test('CutPaste’s tables with categories as rows: several methods beside each other, footnotes in the last row', async () => {
  const tasks = (['cutpaste', 'cutpaste-3way'] as const).map((row) => ({
    dataset: {type: 'mvtec'},
    inlier: 'bottle',
    seed: 0,
    learner: {type: 'cutpaste', variant: row},
    compare: {row},
    scores: auc(0.9, 'gde'),
  }));
  const departing = (row: ComparisonRow) => (row.paperRow === 'cutpaste' ? ['epochs 8'] : []);
  const {grid} = compared(await rowsOf({tasks}), {table: 'cutpaste-table-1', departures: departing});
  const {columns, rows} = gridTable(grid!);
  const names = columns.map(({name}) => name);
  expect(names[0]).toBe('normal class');
  expect(rows.map(([first]) => first)).toEqual([...grid!.columns, 'note']);
  const at = names.indexOf('ours: cutpaste');
  expect(names[at - 1]).toBe('cutpaste');
  const bottle = rows.find(([first]) => first === 'bottle')!;
  expect(bottle.slice(at - 1, at + 1)).toEqual(['99.2 ± 0.2', '90.0 (1) -']);
  expect(rows.at(-1)!.filter((cell) => cell !== '')).toEqual(['note', '[1]']);
  expect(rows.at(-1)![at]).toBe('[1]');
});

test('no note without a row: below a table of a paper stands nothing about what it does not show', async () => {
  const rows = await rowsOf({
    tasks: ['cifar10', 'cifar100'].map((type) => ({
      dataset: {type},
      inlier: 'mean',
      seed: 0,
      learner: paperRotation,
      compare: {row: 'rotation'},
      scores: {
        kde: {
          metrics: {auc: 0.9, 'f1-max': 0.8},
          testLabels: {'f1-max': 'its threshold is the best one for the test labels'},
        },
      },
    })),
  });
  const comparison = compared(rows, {table: 'iclr-table-7'});
  expect(comparison.legend.join('\n')).toContain('† f1-max');
  const printed = formatComparison(comparison, 'table');
  expect(printed).toContain('= matches the paper');
  expect(printed).not.toContain('f1-max');
});

test('a mean over some categories says so, and a table of means alone is laid out with any of them', async () => {
  const made = (['bottle', 'wood'] as const).map((inlier) => ({
    dataset: {type: 'mvtec'},
    inlier,
    seed: 0,
    learner: {type: 'cutpaste'},
    compare: {row: 'cutpaste', table: 'means'},
    scores: auc(inlier === 'wood' ? 0.8 : 0.9, 'gde'),
  }));
  const rows = await rowsOf({tasks: made});
  const means = baselines
    .filter((row) => row.table === 'cutpaste-table-1' && row.method === 'cutpaste' && row.class.startsWith('mean'))
    .map((row) => ({...row, table: 'means'}));
  expect(fittingTable(rows, means)).toBe('means');
  const {grid} = buildComparison(rows, {title: 'MVTec', baselines: means, table: 'means'});
  expect(Object.fromEntries(grid!.columns.map((column, i) => [column, grid!.rows[0]!.ours[0]!.cells[i]]))).toEqual({
    'mean-texture': {value: 0.8, spread: null, n: 1, verdict: null, classes: {have: 1, of: 5}},
    'mean-object': {value: 0.9, spread: null, n: 1, verdict: null, classes: {have: 1, of: 10}},
    mean: {value: expect.closeTo(0.85, 12), spread: null, n: 1, verdict: null, classes: {have: 2, of: 15}},
  });
  const whole = buildComparison(rows, {title: 'MVTec', baselines, table: 'cutpaste-table-1'});
  expect(
    fittingTable(
      rows.map((row) => ({...row, specTable: 'cutpaste-table-1'})),
      baselines,
    ),
  ).toBeUndefined();
  expect(whole.legend).toContain('2/15: a mean over only 2 of 15 classes; it has no verdict.');
});

test('a table that no paper has is no grid', () => {
  expect(compared(quick, {table: 'iclr-table-99'}).grid).toBeUndefined();
});

test('a table is laid out unasked when all specs name it and ours fill half of it', async () => {
  const named = (table: string, datasets: typeof byDataset | readonly (typeof byDataset)[number][]) =>
    rowsOf({tasks: tasksOf(datasets, 1).map((task) => ({...task, compare: {row: 'rotation', table}}))});
  expect(fittingTable(await named('iclr-table-7', byDataset), baselines)).toBe('iclr-table-7');
  expect(fittingTable(await named('iclr-table-7', [byDataset[0]]), baselines)).toBeUndefined();
  expect(fittingTable(await named('iclr-table-8', [byDataset[0]]), baselines)).toBe('iclr-table-8');
  expect(fittingTable(quick, baselines)).toBeUndefined();
});

test('rows of a query', () => {
  const result = {
    columns: [
      {name: 'name', type: 'VARCHAR'},
      {name: 'n', type: 'BIGINT'},
      {name: 'list', type: 'VARCHAR[]'},
    ],
    rows: [
      ['日本', 1, ['a']],
      ['a, "b"', 23, null],
    ],
  };
  expect(formatQuery(result, 'table')).toMatchInlineSnapshot(`
    "name     n  list
    ─────────────────
    日本     1  ["a"]
    a, "b"  23
    "
  `);
  expect(formatQuery(result, 'csv')).toMatchInlineSnapshot(`
    "name,n,list
    日本,1,"[""a""]"
    "a, ""b""",23,
    "
  `);
  expect(JSON.parse(formatQuery(result, 'json'))).toEqual([
    {name: '日本', n: 1, list: ['a']},
    {name: 'a, "b"', n: 23, list: null},
  ]);
  const twice = {columns: ['a', 'a', 'a_1'].map((name) => ({name, type: 'INTEGER'})), rows: [[1, 2, 3]]};
  expect(JSON.parse(formatQuery(twice, 'json'))).toEqual([{a: 1, a_2: 2, a_1: 3}]);
});

test('metrics of features are printed as they are, and what knows the test labels is marked', async () => {
  const rows = await rowsOf({
    tasks: [0, 1].map((seed) => ({
      dataset: fashion,
      inlier: 'bag',
      seed,
      scores: {
        kde: {
          metrics: {auc: 0.4, 'f1-max': 0.9},
          testLabels: {'f1-max': 'its threshold is the best one for the test labels'},
        },
      },
      features: {pool: {uniformity: -1.5 - seed, alignment: 0.25}},
    })),
  });
  expect(formatComparison(compared(rows), 'table')).toMatchInlineSnapshot(`
    "quickstart

    normal class  method    classifier  metric                 ours  n       paper      Δ  verdict
    ───────────────────────────────────────────────────────────────────────────────────────────────────
    bag           rotation  (pool)      alignment    0.2500 ± 0.000  2           –      –  –
    bag           rotation  (pool)      uniformity  −2.000 ± 0.7071  2           –      –  –
    bag           rotation  kde         auc              40.0 ± 0.0  2  98.3 ± 0.3  −58.3  below chance
    bag           rotation  kde         f1-max         90.0 ± 0.0 †  2           –      –  –

    ± is the standard deviation over seeds (n - 1), as in the ICLR paper.
    below chance: more than two standard errors below 50.
    matches: within 1.0 point or two of the paper's standard deviations, whichever is larger (ours if the paper prints none).
    † f1-max uses the test labels beyond evaluation: its threshold is the best one for the test labels.
    "
  `);
  expect(formatComparison(compared(rows), 'csv').split('\n')[0]).toContain('metric,test_labels,ensemble,ours');
});

test('an ensemble stands below its seeds, and beside the ensemble of the paper', async () => {
  const rows = await rowsOf({
    tasks: ['bottle', 'cable'].flatMap((inlier, at) =>
      [0, 1, 2].map((seed) => ({
        dataset: {type: 'mvtec'},
        inlier,
        seed,
        compare: {table: 'cutpaste-table-1', row: 'cutpaste-3way'},
        scores: auc(0.9 + seed / 100 - at / 10, 'gde'),
        ...(seed === 2 && {ensembles: {gde: {auc: 0.982 - at / 10}}}),
      })),
    ),
  });
  const ensembles = (row: ComparisonRow) =>
    row.ensemble === null ? [] : [`ensemble of ${row.ensemble} seeds (paper: 5)`];
  expect(formatComparison(compared(rows, {departures: ensembles}), 'table')).toMatchInlineSnapshot(`
    "quickstart

    normal class  method                  classifier                       ours  n       paper     Δ  verdict  note
    ───────────────────────────────────────────────────────────────────────────────────────────────────────────────
    bottle        cutpaste-3way           gde                        91.0 ± 0.6  3  98.3 ± 0.5  −7.3  below
    bottle        cutpaste-3way-ensemble  gde (ensemble of 3 seeds)        98.2  1        98.2   0.0  matches  [1]
    ───────────────────────────────────────────────────────────────────────────────────────────────────────────────
    cable         cutpaste-3way           gde                        81.0 ± 0.6  3  80.6 ± 0.5  +0.4  matches
    cable         cutpaste-3way-ensemble  gde (ensemble of 3 seeds)        88.2  1        81.2  +7.0  above    [1]

    ± beside CutPaste is the standard error over seeds, as in the CutPaste paper.
    matches: within 1.0 point or two of the paper's standard deviations, whichever is larger (ours if the paper prints none).
    [1] not as in the paper: ensemble of 3 seeds (paper: 5)
    "
  `);
  const grid = compared(rows, {table: 'cutpaste-table-1'}).grid!;
  const ours = grid.rows.filter((row) => row.ours.length > 0);
  expect(ours.map(({method, classifier}) => [method, classifier])).toEqual([
    ['cutpaste-3way', 'gde'],
    ['cutpaste-3way-ensemble', 'gde'],
  ]);
});

test.each(['iclr-table-7', 'cutpaste-table-1', 'cutpaste-table-6', 'cutpaste-table-7'])(
  '%s is printed with whatever there is, the rest absent',
  (table) => {
    const {grid} = compared(quick, {table});
    expect(grid!.rows.filter((row) => row.paper).length).toBe(
      new Set(baselines.filter((row) => row.table === table).map((row) => row.method + row.classifier)).size,
    );
    // Two classes of ten: their means stand there as what they are, and are not judged.
    const ours = grid!.rows.flatMap((row) => row.ours.flatMap(({cells}) => cells.filter((cell) => cell !== null)));
    expect(ours.map(({classes, verdict}) => [classes, verdict])).toEqual(ours.map(() => [{have: 2, of: 10}, null]));
    expect(ours.length > 0).toBe(table === 'iclr-table-7');
    expect(formatComparison(compared(quick, {table}), 'table', {columns: 120})).toContain('paper');
  },
);

test('rows that differ in an option of the classifier are named by it, in every column and format', async () => {
  const rows = await rowsOf({
    tasks: [0.05, 0.2, 0.005].map((nu) => ({
      inlier: 'cat',
      seed: 0,
      point: {'classifiers.0.nu': nu},
      scores: {'oc-svm-rbf': {ref: {type: 'oc-svm', kernel: 'rbf', nu}, metrics: {auc: 0.8 + nu / 10}}},
    })),
  });
  const names = ['oc-svm-rbf nu=0.005', 'oc-svm-rbf nu=0.05', 'oc-svm-rbf nu=0.2'];
  expect(compared(rows).lines.map((line) => line.classifier)).toEqual(names);
  const grid = compared(rows, {table: 'iclr-table-8'}).grid!.rows.find(({ours}) => ours.length > 0)!;
  expect(grid.ours.map((own) => own.label).sort()).toEqual(names.map((name) => name.replace('oc-svm-rbf', 'rotation')));
  for (const name of names) expect(formatComparison(compared(rows), 'csv')).toContain(`,${name},`);
});

test('what is undefined, infinite or failed is a row with its reason; what the cache lost is marked', async () => {
  const rows = await rowsOf({
    pruned: true,
    tasks: [
      {inlier: 'cat', seed: 0, scores: {kde: {metrics: {auc: null, odd: 'Infinity'}, reasons: {auc: 'no anomalies'}}}},
      {inlier: 'dog', seed: 0, scores: {kde: {metrics: {auc: 0.9, odd: 0.5}}, gde: {fails: 'singular\nat line 3'}}},
    ],
  });
  expect(formatComparison(compared(rows), 'table')).toMatchInlineSnapshot(`
    "quickstart

    normal class  method    classifier  metric  ours       n       paper     Δ  verdict  note
    ─────────────────────────────────────────────────────────────────────────────────────────
    cat           rotation  kde         auc        –  0 of 1  78.3 ± 1.0     –  –        [1]
    cat           rotation  kde         odd        ∞       1           –     –  –        [2]
    ─────────────────────────────────────────────────────────────────────────────────────────
    dog           rotation  gde         auc        –  0 of 1           –     –  –        [3]
    dog           rotation  gde         odd        –  0 of 1           –     –  –        [3]
    dog           rotation  kde         auc     90.0       1  88.2 ± 0.6  +1.8  above    [2]
    dog           rotation  kde         odd     50.0       1           –     –  –        [2]

    matches: within 1.0 point or two of the paper's standard deviations, whichever is larger (ours if the paper prints none).
    [1] auc: no anomalies
    [2] the cache has this result no more: the number is what the record of the run says
    [3] not computed, "score" failed: singular
    "
  `);
  const {lines} = JSON.parse(formatComparison(compared(rows), 'json'));
  expect(lines.map(({metric, ours}: {metric: string; ours: unknown}) => [metric, ours])).toContainEqual([
    'odd',
    'Infinity',
  ]);
  expect(formatComparison(compared(rows), 'csv')).toContain(',odd,,,Infinity,');
});

test('footnotes: differences that the same rows share are one, in the order in which they are met, none without a row', async () => {
  const learner = (epochs: number, batch: number) => ({...paperRotation, epochs, batch});
  const rows = await rowsOf({
    tasks: [learner(12, 32), learner(12, 64), learner(24, 32)].map((own) => ({
      inlier: 'cat',
      seed: 0,
      learner: own,
      scores: auc(0.8),
    })),
  });
  const told = (row: ComparisonRow) => {
    const {epochs, batch} = row.options['learner'] as unknown as {epochs: number; batch: number};
    return ['edition small', 'width 8', `epochs ${epochs}`, ...(batch === 64 ? [] : [`batch ${batch}`])];
  };
  const {lines, notes} = compared(rows, {departures: told});
  expect(lines.map((line) => `${line.label}: ${line.notes}`)).toEqual([
    'rotation batch=32 epochs=12: 1,2,3',
    'rotation batch=32 epochs=24: 1,3,4',
    'rotation batch=64 epochs=12: 1,2',
  ]);
  expect(notes).toEqual([
    'not as in the paper: edition small; width 8',
    'not as in the paper: epochs 12',
    'not as in the paper: batch 32',
    'not as in the paper: epochs 24',
  ]);
});

test('a row of a paper that names no classifier stands beside any of ours, with a note', async () => {
  const learner = {type: 'rotation', patch: 64};
  const rows = await rowsOf({
    tasks: baselines
      .filter((row) => row.table === 'cutpaste-table-1' && row.method === 'rotation' && !row.class.startsWith('mean'))
      .flatMap((row) => ({
        dataset: {type: 'mvtec'},
        inlier: row.class,
        seed: 0,
        learner,
        compare: {table: 'blog-table-2', row: 'rotation-patch'},
        scores: auc(0.875, 'gde'),
      })),
  });
  const {grid, notes} = compared(rows, {table: 'blog-table-2'});
  const {method, classifier, paper, ours} = grid!.rows.find((row) => row.method === 'rotation-patch')!;
  expect([method, classifier, paper![0]!.value, ours.map(({label, cells}) => [label, cells[0]!.value])]).toEqual([
    'rotation-patch',
    '',
    0.863,
    [['rotation-patch gde', 0.875]],
  ]);
  expect(ours[0]!.notes.map((note) => notes[note - 1])).toEqual([
    'the paper names neither the classifier of this row nor its protocol, which may be another than ours',
  ]);
  expect(grid!.leftOut).toEqual([]);
});
