import {expect, test} from 'vitest';
import {groupBy} from '../../../../src/core/base/group.ts';
import {
  type Baseline,
  paperTasks,
  parseBaselines,
  readBaselines,
} from '../../../../src/pipeline/store/results/baselines.ts';

const all = readBaselines();
const perClass = ['iclr-table-8', 'iclr-table-9', 'iclr-table-10', 'iclr-table-11'];
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
/** Half a unit of the last printed digit, twice: once for the inputs' rounding and once for the result's. */
const rounding = 0.1 + 1e-9;

const columns = (tables: readonly string[]) =>
  groupBy(
    all.filter((row) => tables.includes(row.table) && row.dataset !== 'all'),
    (row) => [row.table, row.method, row.classifier, row.metric].join(' '),
  );

test('every cell of the tables is present exactly once', () => {
  const counts = Object.fromEntries([...groupBy(all, (row) => row.table)].map(([table, rows]) => [table, rows.length]));
  expect(counts).toEqual({
    'iclr-table-7': 20 * 6,
    'iclr-table-5': 4 * 6,
    'iclr-table-8': 10 * 11,
    'iclr-table-9': 10 * 21,
    'iclr-table-10': 10 * 11,
    'iclr-table-11': 10 * 3,
    'cutpaste-table-1': 10 * 18,
    'cutpaste-table-2': 3 * 18 + 1,
    'cutpaste-table-3': 4 * 18,
    'cutpaste-table-4': 5 * 3,
    'cutpaste-table-5': 4 * 3,
    'cutpaste-table-6': 2 * 8,
    'cutpaste-table-7': 9 * 3,
    'cutpaste-table-8': 8 * 3,
    'cutpaste-text': 3,
    'blog-table-1': 19,
    'blog-table-2': 5,
    'blog-table-3': 5,
    'blog-text': 1,
    'frozen-features': 35,
    'csi-table-1': 11,
    'end-to-end': 13,
  });
  const keys = all.map((row) => [row.table, row.method, row.classifier, row.dataset, row.class, row.metric].join(' '));
  expect(new Set(keys).size).toBe(keys.length);
  expect(all.filter((row) => row.source === '')).toEqual([]);
});

test.for(perClass)('%s: means over classes, and means of their deviations, re-compute', (table) => {
  for (const [column, rows] of columns([table])) {
    const classes = rows.filter((row) => row.class !== 'mean');
    const printed = rows.find((row) => row.class === 'mean')!;
    expect(classes.length, column).toBe(paperTasks.get(printed.dataset));
    expect(Math.abs(mean(classes.map((row) => row.value)) - printed.value), column).toBeLessThanOrEqual(rounding);
    expect(Math.abs(mean(classes.map((row) => row.spread!)) - printed.spread!), column).toBeLessThanOrEqual(rounding);
  }
});

test.for(['iclr-table-5', 'iclr-table-7'])('%s: the mean over datasets is weighted by tasks', (table) => {
  const off: string[] = [];
  const rows = all.filter((row) => row.table === table);
  for (const [column, cells] of groupBy(rows, (row) => `${row.method} ${row.classifier}`)) {
    let [sum, weights] = [0, 0];
    for (const cell of cells.filter((row) => row.dataset !== 'all')) {
      sum += cell.value * paperTasks.get(cell.dataset)!;
      weights += paperTasks.get(cell.dataset)!;
    }
    expect(weights).toBe(43);
    if (Math.abs(sum / weights - cells.find((row) => row.dataset === 'all')!.value) > rounding) off.push(column);
  }
  // Printed 0.24 and 0.27 lower than they re-compute (paper notes, section 5).
  expect(off).toEqual(table === 'iclr-table-7' ? ['imagenet-resnet50 oc-svm-rbf', 'imagenet-resnet50 kde'] : []);
});

test('CutPaste averages re-compute: means, and means of standard errors', () => {
  const texture = ['carpet', 'grid', 'leather', 'tile', 'wood'];
  const off: string[] = [];
  for (const [column, rows] of columns(['cutpaste-table-1', 'cutpaste-table-2', 'cutpaste-table-3'])) {
    if (rows.length === 1) continue; // GradCAM: only its mean is printed
    const classes = rows.filter((row) => !row.class.startsWith('mean'));
    expect(classes.length, column).toBe(15);
    const groups: Record<string, readonly Baseline[]> = {
      'mean-texture': classes.filter((row) => texture.includes(row.class)),
      'mean-object': classes.filter((row) => !texture.includes(row.class)),
      mean: classes,
    };
    for (const [name, members] of Object.entries(groups)) {
      const printed = rows.find((row) => row.class === name)!;
      // FCDD is cited without decimals.
      const allowed = printed.method === 'liznerski-2020' ? 1 : rounding;
      const [value, spread] = [mean(members.map((row) => row.value)), mean(members.map((row) => row.spread ?? 0))];
      if (Math.abs(value - printed.value) > allowed)
        off.push(`${column} ${name}: ${value.toFixed(2)}, printed ${printed.value}`);
      if (Math.abs(spread - (printed.spread ?? 0)) > rounding)
        off.push(`${column} ${name}: ± ${spread.toFixed(2)}, printed ${printed.spread}`);
    }
  }
  expect(off).toEqual([]);
});

test("CutPaste's ablations: the mean over all is that over 5 textures and 10 objects, and lies where table 1 has it", () => {
  const off: string[] = [];
  for (const [column, rows] of columns([4, 5, 7, 8].map((number) => `cutpaste-table-${number}`))) {
    const of = (name: string) => rows.find((row) => row.class === name)!;
    const [texture, object, printed] = [of('mean-texture'), of('mean-object'), of('mean')];
    const [value, spread] = [
      (5 * texture.value + 10 * object.value) / 15,
      (5 * texture.spread! + 10 * object.spread!) / 15,
    ];
    if (Math.abs(value - printed.value) > rounding)
      off.push(`${column}: ${value.toFixed(2)}, printed ${printed.value}`);
    if (Math.abs(spread - printed.spread!) > rounding)
      off.push(`${column}: ± ${spread.toFixed(2)}, printed ${printed.spread}`);
    const sameAs = all.find(
      (row) => row.table === 'cutpaste-table-1' && row.method === printed.method && row.class === 'mean',
    );
    if (sameAs && sameAs.value !== printed.value) off.push(`${column}: ${printed.value}, in table 1 ${sameAs.value}`);
  }
  expect(off).toMatchInlineSnapshot(`
    [
      "cutpaste-table-4 confetti gde auc: ± 0.97, printed 1.5",
    ]
  `);
});

test('the default setting of each sweep is the row of table 1', () => {
  const mean = (table: string, method: string) =>
    all.find((row) => row.table === table && row.method === method && row.class === 'mean')!.value;
  const defaults = ['7 lr-0.03', '7 epochs-256', '8 jitter-0.1', '8 area-0.15'].map(
    (it) => it.split(' ') as [string, string],
  );
  for (const [number, setting] of defaults)
    expect(mean(`cutpaste-table-${number}`, `cutpaste-3way-${setting}`)).toBe(
      mean('cutpaste-table-1', 'cutpaste-3way'),
    );
});

test('synthetic defects: the mean over shapes re-computes', () => {
  const rows = all.filter((row) => row.table === 'cutpaste-table-6');
  for (const learner of ['cutout', 'cutpaste-3way']) {
    const own = rows.filter(({method}) => method.startsWith(`${learner}-`));
    const printed = own.find(({method}) => method === `${learner}-all-shapes`)!;
    const shapes = own.filter((row) => row !== printed);
    expect(shapes.length).toBe(7);
    expect(Math.abs(mean(shapes.map((row) => row.value)) - printed.value), learner).toBeLessThanOrEqual(rounding);
  }
});

test('table 7 and tables 8 to 11 agree, but for denoising on Fashion-MNIST and Cat-vs-Dog', () => {
  const off: string[] = [];
  for (const row of all.filter((row) => perClass.includes(row.table) && row.class === 'mean')) {
    const other = all.find(
      (it) =>
        it.table === 'iclr-table-7' &&
        it.method === row.method &&
        it.classifier === row.classifier &&
        it.dataset === row.dataset,
    )!;
    if (other.value !== row.value)
      off.push(`${row.method} ${row.classifier} ${row.dataset}: ${other.value} and ${row.value}`);
  }
  expect(off).toMatchInlineSnapshot(`
    [
      "denoising oc-svm-rbf fashion-mnist: 93.9 and 92.7",
      "denoising kde fashion-mnist: 93.7 and 92.5",
      "denoising oc-svm-rbf cats-vs-dogs: 57.3 and 51",
      "denoising kde cats-vs-dogs: 57.3 and 50.7",
    ]
  `);
});

test('the blog prints what the papers print', () => {
  const value = (table: string, method: string, dataset: string, metric: string, classifier?: string) =>
    all.find(
      (row) =>
        row.table === table &&
        row.method === method &&
        row.dataset === dataset &&
        row.class === 'mean' &&
        row.metric === metric &&
        (classifier === undefined || row.classifier === classifier),
    )!.value;
  for (const row of all.filter((row) => row.table === 'blog-table-1' && row.spread !== null))
    expect(row.value).toBe(value('iclr-table-7', row.method, row.dataset, 'auc', row.classifier));
  for (const method of ['ruff-2020', 'bergmann-2020', 'cutpaste-3way'])
    expect(value('blog-table-2', method, 'mvtec', 'auc')).toBe(value('cutpaste-table-1', method, 'mvtec', 'auc'));
  expect(value('blog-table-3', 'cutpaste-3way-patch', 'mvtec', 'pixel-auc')).toBe(
    value('cutpaste-table-2', 'cutpaste-3way-patch', 'mvtec', 'pixel-auc'),
  );
  expect(value('blog-table-3', 'ruff-2020', 'mvtec', 'pixel-auc')).toBe(
    value('cutpaste-table-2', 'liznerski-2020', 'mvtec', 'pixel-auc'),
  );
});

test.for([
  [
    'a,b\n',
    'a.csv:1: expected the header "table,method,classifier,dataset,class,metric,value,spread,spread_kind,source", but got "a,b"',
  ],
  ['t,m,kde,d,c,auc,91.0,,,\n', undefined],
  ['t,m,kde,d,c,auc,91.0,0.3,sd,"a, ""b"""\n', undefined],
  ['t,m,kde,d,c\n', 'a.csv:2: expected 10 columns, but got 5'],
  ['t,m,kde,d,c,auc,191,,,s\n', 'a.csv:2: expected a number from 0 to 100, but got "191"'],
  ['t,m,kde,d,c,auc,,,,s\n', 'a.csv:2: expected a number from 0 to 100, but got ""'],
  ['t,m,kde,d,c,auc,91,0.3,,s\n', 'a.csv:2: spread and spread_kind go together'],
  ['t,m,kde,d,c,auc,91,0.3,var,s\n', 'a.csv:2: expected spread_kind to be sd, se or empty, but got "var"'],
] as const)('a baseline file: %s', ([line, message]) => {
  const head = 'table,method,classifier,dataset,class,metric,value,spread,spread_kind,source\n';
  const parse = () => parseBaselines(line.startsWith('a,b') ? line : head + line, 'a.csv');
  if (message) expect(parse).toThrow(message);
  else expect(parse()).toHaveLength(1);
});

test('quotes and commas inside a cell', () => {
  const head = 'table,method,classifier,dataset,class,metric,value,spread,spread_kind,source\n';
  expect(parseBaselines(`${head}t,m,,d,c,auc,91.0,0.3,se,"a, ""b"""\n`, 'a.csv')[0]).toMatchObject({
    classifier: '',
    value: 91,
    spread: 0.3,
    spreadKind: 'se',
    source: 'a, "b"',
  });
});

test('the 86 of the blog’s text stands beside what it means: rotation prediction without a head', () => {
  const [text, ...others] = all.filter((row) => row.table === 'blog-text');
  expect(others).toEqual([]);
  const same = all.filter(
    (row) => row.method === text!.method && row.classifier === text!.classifier && row.dataset === 'cifar10',
  );
  expect(same.filter((row) => row.class === 'mean').map((row) => [row.table, row.method, row.value])).toEqual([
    ['iclr-table-7', 'rotnet', 86.8],
    ['iclr-table-8', 'rotnet', 86.8],
    ['blog-text', 'rotnet', 86],
  ]);
});
