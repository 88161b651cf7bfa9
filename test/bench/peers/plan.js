/** Reads a spec of so many tasks and makes its graph; prints seconds and the process's peak memory. */
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'pipeline-bench-'));
const spec = join(folder, 'many.yaml');
writeFileSync(
  spec,
  `name: many
dataset: {type: synthetic, classes: 4}
learner: {type: untrained, network: {type: small, width: 4}}
classifiers: [kde, {type: oc-svm}]
matrix: {learner.network.width: [4, 5, 6, 7, 8]}
seeds: ${Number(process.argv[2]) / 20}
`,
);
const began = performance.now();
const {plugins: builtin} = await import('../../../dist/builtin.js');
const {Plugins} = await import('../../../dist/core/plugin/registry.js');
const {readPlan} = await import('../../../dist/pipeline/spec/expand.js');
const {locateSources} = await import('../../../dist/pipeline/plan/sources.js');
const {buildGraph} = await import('../../../dist/pipeline/plan/graph.js');
const read = await readPlan(spec, {builtin: new Plugins(builtin)});
if (!read.ok) throw new Error(read.failures[0].message);
const {value} = read;
const sources = await locateSources(value.plan, value.plugins, {folders: [], fetchInto: folder});
const graph = buildGraph(value.plan, value.plugins, sources.value);
const seconds = (performance.now() - began) / 1000;
rmSync(folder, {recursive: true});
const megabytes = process.resourceUsage().maxRSS / 1024;
console.log(JSON.stringify({tasks: value.plan.tasks.length, stages: graph.length, seconds, megabytes}));
