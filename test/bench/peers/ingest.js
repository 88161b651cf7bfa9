/** A run's folder with so many metric values, as if it had been computed, filed in a new database; prints the seconds of filing. */
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {openResults} from '../../../dist/pipeline/store/results/results.js';
import {createRun} from '../../../dist/pipeline/store/runs/runs.js';
import {manyTasks, tasksASeed} from '../many-tasks.js';

const metricsEach = 5;
const classifiers = 2;
const folder = mkdtempSync(join(tmpdir(), 'pipeline-bench-'));
const {plan, graph} = await manyTasks(
  folder,
  Math.ceil(Number(process.argv[2]) / metricsEach / classifiers / tasksASeed),
);
const root = join(folder, 'runs');
const results = openResults(join(root, 'results.duckdb'));
await results.rebuild(); // tables and baselines are there already in everyday use
const run = await createRun({root, plan, graph, environment: {}, now: new Date()});
const at = new Date().toISOString();
run.log({at, type: 'run-started', run: run.id, spec: 'many', tasks: plan.tasks.length, stages: graph.length});
const metrics = Object.fromEntries(Array.from({length: metricsEach}, (_, i) => [`metric-${i}`, 0.5]));
let values = 0;
for (const {id, kind, label} of graph) {
  const summary = kind === 'evaluate' ? {metrics, normal: 16, anomalous: 48} : null;
  if (summary) values += metricsEach;
  run.log({
    at,
    type: 'stage-finished',
    stage: id,
    kind,
    label,
    how: 'computed',
    fingerprint: '',
    seconds: 0.01,
    summary,
  });
}
const totals = {computed: graph.length, cached: 0, failed: 0, skipped: 0, seconds: 1};
run.log({at, type: 'run-finished', run: run.id, outcome: 'done', ...totals});
run.close();
const began = performance.now();
const filed = await results.ingestRun(run.folder);
const seconds = (performance.now() - began) / 1000;
if (!filed.ok) throw new Error(filed.failures[0].message);
rmSync(folder, {recursive: true});
console.log(JSON.stringify({values, seconds}));
