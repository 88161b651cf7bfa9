/**
 * The keys of small specs as they were when they were written down. Where one differs, results of that stage are computed anew by
 * everybody who has some. When that is wanted, and said in CHANGELOG.md, "vitest -u" writes them down again.
 */
import {copyFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {Ajv} from 'ajv';
import {beforeAll, expect, test} from 'vitest';
import {plugins as builtin} from '../../../src/builtin.ts';
import {sha256} from '../../../src/core/base/canonical.ts';
import {Plugins} from '../../../src/core/plugin/registry.ts';
import {readPlan} from '../../../src/pipeline/config/expand.ts';
import {fingerprintOf, keyOf} from '../../../src/pipeline/plan/fingerprint.ts';
import {buildGraph} from '../../../src/pipeline/plan/graph.ts';
import {locateSources} from '../../../src/pipeline/plan/sources.ts';
import {isStage} from '../../../src/pipeline/stages/define.ts';
import {stages} from '../../../src/pipeline/stages/index.ts';
import type {Manifest, StageNode} from '../../../src/pipeline/stages/stage.ts';
import {openFileDigests} from '../../../src/pipeline/store/sources.ts';
import {World} from '../../rig/world.ts';

const maps = `
dataset: {type: synthetic, size: 48, classes: 2, train: 12, test: 6, defects: true, inliers: [stripes]}
learner: {type: cutpaste, network: {type: small, width: 8, head: [16]}, patch: 16, epochs: 1, steps_per_epoch: 4, batch: 8}
classifiers: [{type: gde, shrinkage: ledoit-wolf}]
metrics: [auc, pixel-auc, aupro]
`;

const specs = {
  ensemble: `
dataset: {type: synthetic, size: 16, train: 32, test: 16, classes: 3, inliers: [stripes], limit: {train: 20, test: 30}}
learner: {type: rotation, network: {type: small, width: 4, head: [16]}, epochs: 2, batch: 16}
augment: [hflip]
classifiers: [kde, {type: oc-svm, nu: 0.1}, {type: gde, layer: embed}, rotation]
metrics: [auc, fpr95, alignment, uniformity]
seeds: 2
ensemble: seeds
`,
  copies: `
dataset: {type: synthetic, size: 16, train: 32, test: 16, classes: 3, inliers: [stripes]}
learner: {type: contrastive, network: {type: small, width: 4, head: [16]}, epochs: 2, batch: 16}
distribution_augmentation: [[rotate90], [hflip]]
classifiers: [knn]
seeds: 2
ensemble: standardised-seeds
`,
  untrained: `
dataset: {type: synthetic, size: 16, train: 32, test: 16, classes: 3, inliers: [stripes, blobs]}
learner: {type: untrained, network: {type: small, width: 4}}
classifiers: [kde]
`,
  file: `
dataset: {type: synthetic, size: 16, train: 32, test: 16, classes: 3, inliers: [stripes]}
learner: {type: pretrained, path: tiny.onnx}
classifiers: [kde]
`,
  patches: `${maps}localize: {patch: 16, stride: 16}\nmatrix: {localize.density: [shared, per-location]}\n`,
  places: `${maps}localize: {type: places, layers: [conv1, conv2], neighbourhood: 3, channels: {random: 9}, turns: 2, density: shared}\n`,
  similar: `${maps.replace('gde, shrinkage: ledoit-wolf', 'knn, distance: squared')}localize: {type: places, layers: [conv1], similar: 5}\n`,
  gradcam: `${maps}localize: {type: gradcam, score: learner}\n`,
  explained: `${maps}localize: {type: gradcam}\nmatrix: {localize.type: [gradcam, gradient, integrated-gradients]}\n`,
  validation: `
dataset: {type: synthetic, size: 16, train: 32, test: 16, classes: 3, inliers: [stripes], validation: synthetic}
learner: {type: rotation, network: {type: small, width: 4, head: [16]}, epochs: 2, batch: 16}
classifiers: [kde]
metrics: [auc, uniformity, proxy-loss, proxy-accuracy, stability]
seeds: 2
`,
  contaminated: `
dataset: {type: synthetic, size: 16, train: 32, test: 16, classes: 3, inliers: [stripes], contaminate: 0.1, validation: synthetic}
learner: {type: rotation, network: {type: small, width: 4, head: [16]}, epochs: 2, batch: 16}
classifiers: [kde, {type: gde, layer: embed}]
metrics: [auc, removed-precision, removed-recall]
refine: {ratio: 0.1}
matrix: {refine.epochs: [[1], paper]}
`,
};

type Name = keyof typeof specs;
const names = Object.keys(specs) as readonly Name[];
const graphs = new Map<Name, readonly StageNode[]>();
const keys: string[] = [];

beforeAll(async () => {
  using world = new World();
  copyFileSync(
    fileURLToPath(new URL('../../fixtures/models/tiny.onnx', import.meta.url)),
    join(world.root, 'tiny.onnx'),
  );
  const digests = openFileDigests(world.cacheRoot);
  for (const name of names) {
    const file = world.write(`${name}.yaml`, `name: ${name}${specs[name]}`);
    const read = await readPlan(file, {builtin: new Plugins(builtin)});
    if (!read.ok) throw new Error(read.failures.map(({message}) => message).join('\n'));
    const {plan, plugins} = read.value;
    const sources = await locateSources(plan, plugins, {folders: [world.root]});
    if (!sources.ok) throw new Error(sources.failures.map(({message}) => message).join('\n'));
    const graph = buildGraph(plan, plugins, sources.value);
    graphs.set(name, graph);
    const labels = new Map(graph.map(({id, label}) => [id, label]));
    // Every stage has left files whose content is told by their names.
    const made = (id: string) =>
      ({
        files: new Proxy({}, {get: (_, path: string) => ({sha256: sha256(`${labels.get(id)} ${path}`)})}),
      }) as unknown as Manifest;
    keys.push(`# ${name}`);
    for (const node of graph) {
      const key = await keyOf(node, made, (path) => digests.digest(path));
      keys.push(`${fingerprintOf(key)} ${node.kind}: ${node.label}`);
    }
  }
});

test('keys do not change', async () => {
  await expect(`${keys.join('\n')}\n`).toMatchFileSnapshot('../../fixtures/keys.txt');
});

test.for(names)('every stage of "%s" is of one kind, whose schema its recipe fits', (name) => {
  const ajv = new Ajv({strict: false});
  for (const node of graphs.get(name)!) {
    const [kind, ...more] = stages.filter((stage) => isStage(stage, node));
    expect(
      more.map((one) => one.kind),
      node.label,
    ).toEqual([]);
    expect(kind, node.label).toBeDefined();
    ajv.validate(kind!.recipe, node.recipe);
    expect(ajv.errors, node.label).toBeNull();
    expect(node.lane).toBe(kind!.lane);
  }
});

test('stages of gradcam are recorded as kind localize, as before', () => {
  const kinds = graphs.get('gradcam')!.map((node) => [node.kind, stages.find((stage) => isStage(stage, node))!.kind]);
  expect(kinds.filter(([recorded, kind]) => recorded !== kind)).toEqual([['localize', 'gradcam']]);
});

test('all kinds of stages are here', () => {
  const found = new Set([...graphs.values()].flat().map((node) => stages.find((stage) => isStage(stage, node))!.kind));
  expect([...found].sort()).toEqual(stages.map(({kind}) => kind).sort());
});
