/** A plan and its graph, read from a spec that is written into `folder`: of 20 tasks a seed, or as `spec` says. */
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {plugins as builtin} from '../../dist/builtin.js';
import {Plugins} from '../../dist/core/plugin/registry.js';
import {readPlan} from '../../dist/pipeline/config/expand.js';
import {buildGraph} from '../../dist/pipeline/plan/graph.js';
import {locateSources} from '../../dist/pipeline/plan/sources.js';

export const tasksASeed = 20;

const manySeeds = (seeds) => `name: many
dataset: {type: synthetic, classes: 4}
learner: {type: untrained, network: {type: small, width: 4}}
classifiers: [kde, {type: oc-svm}]
matrix: {learner.network.width: [4, 5, 6, 7, 8]}
seeds: ${seeds}
`;

export const manyTasks = (folder, seeds) => planOf(folder, manySeeds(seeds));

export async function planOf(folder, spec) {
  const file = join(folder, 'many.yaml');
  writeFileSync(file, spec);
  const read = await readPlan(file, {builtin: new Plugins(builtin)});
  if (!read.ok) throw new Error(read.failures[0].message);
  const {plan, plugins} = read.value;
  const sources = await locateSources(plan, plugins, {folders: [], fetchInto: folder});
  return {plan, graph: buildGraph(plan, plugins, sources.value)};
}
