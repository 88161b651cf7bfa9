/** The specs of `pipelines/` say what they are: the papers' settings, or in words that they are not; suites fill their tables. */
import {readdirSync} from 'node:fs';
import {describe, expect, test} from 'vitest';
import {plugins as builtin} from '../src/builtin.ts';
import type {Json} from '../src/core/base/canonical.ts';
import {Plugins} from '../src/core/plugin/registry.ts';
import {readPlan} from '../src/pipeline/config/expand.ts';
import type {Plan} from '../src/pipeline/config/spec.ts';
import {classifierNames} from '../src/pipeline/plan/names.ts';
import {readBaselines} from '../src/pipeline/store/results/baselines.ts';
import type {ComparisonRow} from '../src/pipeline/store/results/results.ts';
import {departuresFrom} from '../src/surface/tables/settings.ts';

const plugins = new Plugins(builtin);
const departures = departuresFrom(plugins);
const files = readdirSync('pipelines', {recursive: true, encoding: 'utf8'})
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => `pipelines/${name}`)
  .sort();
const short = /-cpu\.yaml$|quickstart|own-photos|search/;

async function planOf(file: string): Promise<Plan> {
  const read = await readPlan(file, {builtin: plugins});
  if (!read.ok) throw new Error(read.failures.map(({message}) => message).join('\n'));
  return read.value.plan;
}

/** As much of a table's row as settings are told by. */
function departing({tasks}: Plan): readonly string[] {
  const found = tasks.flatMap((task) =>
    task.classifiers.flatMap((ref) => {
      const {dataset, limit, learner, augment, distributionAugmentation: distribution_augmentation} = task;
      const {localize} = task;
      const options = {dataset, limit, learner, augment, distribution_augmentation, localize} as unknown as Json;
      const row = {
        options,
        classifierOptions: ref,
        classifier: ref.type,
        ensemble: null,
        paper: null,
        point: task.point,
      };
      return departures(row as unknown as ComparisonRow);
    }),
  );
  return [...new Set(found)];
}

/** Networks of other people, from files: nothing is trained, so that seeds matter little, and rows name their settings. */
const frozen = files.filter((file) => file.startsWith('pipelines/frozen/'));

test.for(frozen)('%s has the settings of its row, if it has one', async (file) => {
  const plan = await planOf(file);
  expect(plan.tasks.length).toBeGreaterThan(0);
  expect(new Set(plan.tasks.map(({compare}) => compare.table))).toEqual(new Set(['frozen-features']));
  const rows = new Set(readBaselines().flatMap(({table, method}) => (table === 'frozen-features' ? [method] : [])));
  const tasks = plan.tasks.filter(({compare}) => rows.has(compare.row));
  const isOurs = /semantic|anomalydino\.yaml/.test(file);
  if (!isOurs) {
    expect(tasks).toEqual(plan.tasks);
    expect(departing(plan)).toEqual([]);
  }
});

const others = files.filter((file) => !short.test(file) && !frozen.includes(file));

test.for(others)('%s has the paper’s settings and five seeds', async (file) => {
  const plan = await planOf(file);
  // Table 8 of CutPaste is a sweep of these two.
  const swept = /table-8|3way-(area|jitter)/.test(file) ? /^(max area|patch jitter) / : undefined;
  // CutPaste's paper does not tell how its control, rotation prediction, was trained.
  const tasks = plan.tasks.filter(({dataset, learner}) => dataset.type !== 'mvtec' || learner.type !== 'rotation');
  // Nothing random is in weights from a file.
  const seeded = plan.tasks.filter(({learner}) => learner.type !== 'untrained' || learner['start'] === undefined);
  expect(departing({...plan, tasks}).filter((departure) => !swept?.test(departure))).toEqual([]);
  if (seeded.length > 0) expect(new Set(seeded.map(({seed}) => seed))).toEqual(new Set([0, 1, 2, 3, 4]));
});

test.for(files.filter((file) => short.test(file)))(
  '%s says that its setting or its numbers are not the paper’s',
  async (file) => {
    const plan = await planOf(file);
    expect(departing(plan)).not.toEqual([]);
    expect(plan.description).toMatch(/is\s+not the paper's setting|numbers are not the paper's/);
  },
);

describe('suites fill every cell of their tables that the learners here can fill', () => {
  /** Methods of other people, and of ours what is not there yet. */
  const others: {readonly [table: string]: readonly string[]} = {
    'blog-table-1': ['ruff-2018', 'golan-2018', 'bergman-2020', 'hendrycks-2019', 'huang-2019'],
    'iclr-table-5': [],
    'iclr-table-7': ['imagenet-resnet50'],
    'blog-table-2': ['ruff-2020', 'bergmann-2020'],
    'blog-table-3': ['bergmann-2019', 'ruff-2020'],
    'cutpaste-table-1': ['ruff-2020', 'bergmann-2020', 'yi-2020'],
    'cutpaste-table-3': [],
    'cutpaste-table-4': [],
    'cutpaste-table-5': [],
    'cutpaste-table-6': ['cutout-all-shapes', 'cutpaste-3way-all-shapes'],
  };
  const baselines = readBaselines();
  const suites = Object.keys(others).flatMap((table) => {
    const name = table.replace('blog-', '');
    const suite = files.find((file) => file.endsWith(`/${name}.yaml`))!;
    return [suite, `pipelines/cpu/${name}-cpu.yaml`].map((file) => [file, table] as const);
  });

  test.for(suites)('%s: %s', async ([file, table]) => {
    const {tasks} = await planOf(file);
    expect(new Set(tasks.map(({compare}) => compare.table))).toEqual(new Set([table]));
    const filled = new Set(
      tasks.flatMap(({dataset, compare, classifiers, ensemble}) =>
        // A row of a paper without a classifier is filled by any.
        [...classifierNames(plugins, classifiers), ''].flatMap((name) =>
          [compare.row, ...(ensemble ? [`${compare.row}-ensemble`] : [])].map(
            (row) => `${row} ${name} ${dataset.type}`,
          ),
        ),
      ),
    );
    const cells = baselines.filter(
      (row) =>
        row.table === table &&
        row.dataset !== 'all' &&
        !others[table]!.includes(row.method) &&
        !(file.endsWith('-cpu.yaml') && row.method.endsWith('-ensemble')), // of one seed there is none
    );
    expect(cells.length).toBeGreaterThan(0);
    const empty = cells
      .map((row) => `${row.method} ${row.classifier} ${row.dataset}`)
      .filter((cell) => !filled.has(cell));
    expect(empty).toEqual([]);
  });
});
