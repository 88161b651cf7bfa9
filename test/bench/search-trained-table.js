/**
 * Makes test/fixtures/search/table.json, the value of every configuration of test/fixtures/search/table.yaml, from a finished run of it:
 *
 *     npx pipeline run test/fixtures/search/table.yaml --engine tensorflow --threads 1 --runs <runs>
 *     node test/bench/search-trained-table.js <runs>/<id of the run>
 */
import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {flopOf, workOfTraining} from '../../dist/pipeline/plan/estimate.js';
import {searchResultsOf} from '../../dist/pipeline/search/results.js';
import {ofTraining, pointsOf} from '../../dist/pipeline/search/space.js';
import {readRecord} from '../../dist/pipeline/store/runs/record.js';
import {builtinPlugins} from '../../dist/surface/cli/builtin.js';

const plugins = builtinPlugins();
const folder = process.argv[2];
const record = readRecord(folder).value;
const {search, rows} = searchResultsOf(record);
const nodes = record.stages.map(({node}) => node);
const nodeOf = new Map(
  nodes.filter(({kind}) => kind === 'learn').flatMap((node) => node.tasks.map((task) => [task, node])),
);
const pflopOf = (task) => flopOf(workOfTraining(task, nodeOf.get(task.id), nodes, plugins)) / 1e15;
const digits = (value, n = 6) => Number(value.toPrecision(n));

const trainings = [...pointsOf(ofTraining(search.space), () => 0)];
const table = trainings.map((point, trial) => {
  const own = rows.filter((row) => row.trial === trial).sort((a, b) => a.setting - b.setting);
  const differs = Object.entries(point).some(([path, value]) => own[0].point[path] !== value);
  if (differs) throw new Error(`trial ${trial} is another training than the ${trial}th of the space`);
  return {
    pflop: digits(own[0].tasks.reduce((sum, task) => sum + pflopOf(task), 0)),
    validation: own.map(({objective}) => digits(objective.value)),
    test: own.map(({test}) => digits(test.value)),
  };
});
const {cpu, cores} = JSON.parse(readFileSync(join(folder, 'environment.json'), 'utf8'));
const made = {
  'made by': 'test/bench/search-trained-table.js, from a run of table.yaml',
  order: 'as a grid: trainings, and under each the settings of stage two; the first parameter varies slowest',
  date: record.finished.slice(0, 10),
  machine: {cpu, cores},
  engine: record.engine,
};
writeFileSync(
  new URL('../fixtures/search/table.json', import.meta.url),
  `${JSON.stringify(made).slice(0, -1)},"trainings":[\n${table.map((row) => JSON.stringify(row)).join(',\n')}\n]}\n`,
);
