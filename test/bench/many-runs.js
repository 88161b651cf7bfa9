/** A folder of so many runs of one spec, as a year of work leaves it: all of them whole, their results in the cache. */
import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {digestOf} from '../../dist/core/base/canonical.js';
import {entryFolder, manifestName, sealManifest} from '../../dist/pipeline/store/cache/entry.js';
import {planText} from '../../dist/pipeline/store/runs/plan-file.js';
import {lineOf} from '../../dist/pipeline/store/runs/shape.js';
import {planOf} from './many-tasks.js';

const spec = `name: many
dataset: {type: synthetic, classes: 3}
learner: {type: rotation, epochs: 1}
classifiers: [kde]
`;

/** Writes `<folder>/runs` and returns it. Each run has three tasks. */
export async function manyRuns(folder, count) {
  const runs = join(folder, 'runs');
  const {plan, graph} = await planOf(folder, spec);
  const fingerprints = new Map(graph.map(({id}) => [id, digestOf(id)]));
  const summaryOf = ({kind}) =>
    kind === 'evaluate' ? {metrics: {auc: 0.5, fpr95: 0.25}, normal: 200, anomalous: 600} : null;
  const [first, at] = ['20260101-000000.000', '2026-01-01T00:00:00.000Z'];
  for (const node of graph) {
    const {id, kind, label, recipe} = node;
    const fingerprint = fingerprints.get(id);
    const entry = entryFolder(join(runs, 'cache'), fingerprint);
    const key = {kind, recipe, inputs: {}, sources: {}};
    const {text} = sealManifest({
      format: 1,
      ...{kind, label, fingerprint, key, files: {}, summary: summaryOf(node), provenance: {run: first, finished: at}},
    });
    mkdirSync(entry, {recursive: true});
    writeFileSync(join(entry, manifestName), text);
  }
  const stages = graph.map(({id, kind, label, lane, recipe, inputs, tasks, results}) => {
    return {id, kind, label, lane, recipe, inputs, tasks, ...(results && {results})};
  });
  const text = planText({name: plan.name, tasks: plan.tasks, stages});
  for (let n = 0; n < count; n++) {
    const now = new Date(Date.UTC(2026, 0, 1) + n * 60_000).toISOString();
    const id = `${now.replace(/[-:Z]/g, '').replace('T', '-')}-many-${n.toString(16).padStart(4, '0')}`;
    const totals = {computed: 0, cached: graph.length, failed: 0, skipped: 0, seconds: 1};
    const events = [
      {at: now, type: 'run-started', run: id, spec: 'many', tasks: plan.tasks.length, stages: graph.length},
      ...graph.map((node) => {
        const [stage, fingerprint] = [node.id, fingerprints.get(node.id)];
        const made = {how: 'cached', fingerprint, seconds: 0.01, engine: 'wasm', threads: 1, summary: summaryOf(node)};
        return {at: now, type: 'stage-finished', stage, kind: node.kind, label: node.label, ...made};
      }),
      {at: now, type: 'run-finished', run: id, outcome: 'done', ...totals},
    ];
    mkdirSync(join(runs, id));
    writeFileSync(join(runs, id, 'pipeline.yaml'), plan.source);
    writeFileSync(join(runs, id, 'plan.json'), text);
    writeFileSync(join(runs, id, 'environment.json'), '{}\n');
    writeFileSync(join(runs, id, 'events.ndjson'), events.map((event) => `${lineOf(event)}\n`).join(''));
  }
  return runs;
}
