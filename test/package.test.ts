// @module-tag slow
/** The package as npm makes it: what a user who installs the tarball has, with no source and no compiler. */
import {execFileSync, spawnSync} from 'node:child_process';
import {mkdirSync, readdirSync, readFileSync, symlinkSync} from 'node:fs';
import {createRequire} from 'node:module';
import {dirname, join} from 'node:path';
import {afterAll, beforeAll, expect, test} from 'vitest';
import * as sources from '../src/index.ts';
import {Project, packageFolder, tableOf, tinySpec} from './rig/command.ts';

const project = new Project();
const installed = project.path('node_modules', 'one-class-pipeline');

interface Manifest {
  readonly version: string;
  readonly bin: {readonly pipeline: string};
  readonly dependencies: {readonly [name: string]: string};
  readonly optionalDependencies: {readonly [name: string]: string};
}
let manifest: Manifest;

const typescript = () => join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
/** Node takes types out by itself from 22.18 on. */
const canRunTypes = Boolean((process.features as {typescript?: unknown}).typescript);

/** Runs a program in the user's folder. */
function ran(file: string, ...args: readonly string[]) {
  const {PIPELINE_RUNS: _, PIPELINE_DATA: __, ...env} = process.env;
  const {status, stdout, stderr} = spawnSync(process.execPath, [file, ...args], {
    cwd: project.folder,
    encoding: 'utf8',
    env: {...env, PIPELINE_ENGINE: 'wasm'},
  });
  return {status, stdout, stderr};
}

// By the command that makes a release, publint's judgement included. Beside it lie the dependencies that it names, and no other.
beforeAll(() => {
  const packing = ['run', '--silent', 'package', '--', '--silent', '--pack-destination', project.folder];
  execFileSync('npm', packing, {cwd: packageFolder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe']});
  const tarball = readdirSync(project.folder).find((name) => name.endsWith('.tgz'))!;
  mkdirSync(installed, {recursive: true});
  execFileSync('tar', ['-xzf', project.path(tarball), '-C', installed, '--strip-components=1']);
  manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Manifest;
  for (const name of Object.keys({...manifest.dependencies, ...manifest.optionalDependencies})) {
    const link = project.path('node_modules', name);
    mkdirSync(dirname(link), {recursive: true});
    symlinkSync(join(packageFolder, 'node_modules', name), link, 'dir');
  }
  project.write('package.json', '{"type": "module"}');
});
afterAll(() => project[Symbol.dispose]());

test('the package contains what it needs to run, and neither sources nor tests', () => {
  expect(readdirSync(installed).filter((name) => name !== 'docs')).toEqual([
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'bin',
    'data',
    'dist',
    'package.json',
    'pipelines',
    'schemas',
  ]);
  const files = readdirSync(join(installed, 'dist'), {recursive: true, encoding: 'utf8'});
  expect(files.filter((file) => /\.(js|d\.ts|css|svg)$/.test(file)).length).toBeGreaterThan(200);
  expect(files.filter((file) => /\.map$|(?<!\.d)\.ts$|^\.stamp$/.test(file))).toEqual([]);
  expect(readdirSync(join(installed, 'data')).toSorted()).toEqual(['baselines', 'fashion-mnist-small']);
});

test('no install script of a dependency has to succeed', () => {
  // An optional dependency whose script fails is left out; core-js only prints a line.
  const lock = JSON.parse(readFileSync(join(packageFolder, 'package-lock.json'), 'utf8')) as {
    packages: {[path: string]: {hasInstallScript?: boolean; dev?: boolean; optional?: boolean}};
  };
  const scripts = Object.entries(lock.packages).filter(
    ([, {hasInstallScript, dev, optional}]) => hasInstallScript && !dev && !optional,
  );
  expect(scripts.map(([path]) => path)).toEqual(['node_modules/core-js']);
});

test('its entry exports the same as the sources', () => {
  project.write(
    'names.js',
    `import * as api from 'one-class-pipeline';\nprocess.stdout.write(JSON.stringify(Object.keys(api)));`,
  );
  const {stdout, stderr} = ran('names.js');
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual(Object.keys(sources).toSorted());
});

test('a plug-in in TypeScript is checked against its declarations', () => {
  const plugin = (body: string) => `import {defineTransform, type FloatImage, Type} from 'one-class-pipeline';
const dimmed = (image: FloatImage, by: number): FloatImage => ({...image, data: image.data.map((x) => x * by)});
export const plugins = [
  defineTransform({
    name: 'dim',
    version: 1,
    summary: 'Darkens.',
    options: Type.Object({by: Type.Number({default: 0.5})}, {additionalProperties: false}),
    create: ({by}) => ({apply: (image, rng) => ${body}}),
  }),
];
`;
  project.write('right.ts', plugin('(rng.uniform() < by ? dimmed(image, by) : image)'));
  project.write('wrong.ts', plugin('dimmed(image, by.length)'));
  const flags = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2023', '--skipLibCheck', '--types', ''];
  expect(ran(typescript(), ...flags, 'right.ts', 'wrong.ts').stdout).toMatch(
    /^wrong\.ts\(9,\d+\): error TS2339: Property 'length' does not exist on type 'number'\.\n$/,
  );
});

test('a plug-in that Node takes for CommonJS is refused with what to do', () => {
  project.write('common/package.json', '{"type": "commonjs"}');
  project.write('common/mine.js', "import {defineMetric} from 'one-class-pipeline';\nexport const plugins = [];\n");
  project.write('common/mine.yaml', tinySpec().replace(/^/, 'plugins: ./mine.js\n'));
  const {stdout, stderr, status} = ran(join(installed, manifest.bin.pipeline), 'validate', 'common/mine.yaml');
  expect(status).toBe(2);
  expect(stdout + stderr).toContain('./mine.js cannot be loaded: Cannot use import statement outside a module\n');
  expect(stdout + stderr).toContain('write "type": "module" into the package.json above it');
});

test('plug-ins in TypeScript stand outside: a dataset, a metric, a classifier, and rotation prediction itself', () => {
  // The built-in learner, word by word; what it imports comes from the package.
  const imports = /import (type )?\{([^}]*)\} from '[^']*';\n/g;
  const own = readFileSync(join(packageFolder, 'src', 'domain', 'learners', 'rotation.ts'), 'utf8');
  const names = [...own.matchAll(imports)].map(([, type, list]) =>
    list!.split(',').map((name) => `${type ? 'type ' : ''}${name.trim()}`),
  );
  const body = own.replaceAll(imports, '').replaceAll("'rotation'", "'turns'");
  project.write('turns.ts', `import {${names.flat().join(', ')}} from 'one-class-pipeline';\n${body}`);
  project.write(
    'outside.ts',
    `import {
  defineClassifier, defineDataset, defineFeatureMetric, type ImageBatch, type ImageShape, type Matrix, oneVersusRest, type SourceFile, type Split,
  succeed, Type,
} from 'one-class-pipeline';
import {rotation as turns} from './turns.TURNS';

const none = Type.Object({}, {additionalProperties: false});
const shape: ImageShape = {height: 32, width: 32, channels: 3};

const bars = defineDataset({
  name: 'bars',
  version: 1,
  summary: 'Bright bars that lie or stand.',
  options: Type.Object({count: Type.Integer({minimum: 1, default: 12, description: 'Images a class.'})}, {additionalProperties: false}),
  create: ({count}) => ({
    ...oneVersusRest(['lie', 'stand']),
    shape,
    locate: async () => succeed([] as readonly SourceFile[]),
    async *read(_: readonly SourceFile[], split: Split): AsyncGenerator<ImageBatch> {
      const pixels = new Uint8Array(2 * count * 32 * 32 * 3);
      for (let image = 0; image < 2 * count; image++)
        for (let at = 0; at < 32 * 32; at++) {
          const along = image < count ? at >> 5 : at & 31;
          const level = (along + image + (split === 'test' ? 3 : 0)) % 16 < 4 ? 255 : (image * 7 + at) % 32;
          pixels.fill(level, (image * 32 * 32 + at) * 3, (image * 32 * 32 + at + 1) * 3);
        }
      yield {count: 2 * count, shape, pixels, classes: Int32Array.from({length: 2 * count}, (_, i) => (i < count ? 0 : 1))};
    },
  }),
});

const first = defineClassifier({
  name: 'first',
  version: 1,
  summary: 'The first feature.',
  options: none,
  create: () => {
    const scorer = {
      score: ({rows, columns, data}: Matrix) => Float64Array.from({length: rows}, (_, row) => data[row * columns]!),
      save: () => new Map(),
    };
    return {fit: () => scorer, restore: () => scorer};
  },
});

const width = defineFeatureMetric({
  name: 'width',
  version: 1,
  scale: 'number',
  summary: 'Columns of the features.',
  options: none,
  create: () => ({measure: ({features}) => features.columns}),
});

export const plugins = [bars, first, width, turns];
`.replace('TURNS', canRunTypes ? 'ts' : 'js'),
  );
  const flags = ['--strict', '--module', 'nodenext', '--target', 'es2023', '--skipLibCheck', '--types', ''];
  const how = canRunTypes ? ['--noEmit', '--allowImportingTsExtensions'] : [];
  expect(ran(typescript(), ...flags, ...how, 'outside.ts')).toEqual({status: 0, stdout: '', stderr: ''});
  const learner = 'network: {type: small, width: 4, head: [16]}, epochs: 1, batch: 8';
  project.write(
    'outside.yaml',
    `plugins: ./outside.${canRunTypes ? 'ts' : 'js'}
dataset: {type: bars, normal_classes: [lie]}
matrix: {learner: [{type: turns, ${learner}}, {type: rotation, ${learner}}]}
classifiers: [first, kde]
metrics: [auc, width]
`,
  );
  const {status, stdout, stderr} = ran(join(installed, manifest.bin.pipeline), 'run', 'outside.yaml');
  expect([status, stderr]).toEqual([0, expect.not.stringContaining('rror')]);
  // Both have the same images, weights and batches.
  const rows = tableOf(stdout)
    .split('\n')
    .filter((line) => line.startsWith('lie'));
  const of = (method: string) => rows.filter((line) => line.includes(method)).map((line) => line.replace(method, ''));
  expect(of('turns').map((line) => line.split(/ +/))).toEqual(of('rotation').map((line) => line.split(/ +/)));
  expect(of('turns')).toHaveLength(2);
});

test('its command prints its help and its version, and runs a spec with a plug-in of the user', () => {
  const command = join(installed, manifest.bin.pipeline);
  expect(ran(command, '--help').stdout).toContain('Usage: pipeline ');
  expect(ran(command, '--version').stdout).toBe(`${manifest.version}\n`);
  project.write(
    'own.js',
    `import {defineTransform, Type} from 'one-class-pipeline';
export const plugins = [
  defineTransform({
    name: 'same',
    version: 1,
    summary: 'Changes nothing.',
    options: Type.Object({}, {additionalProperties: false}),
    create: () => ({apply: (image) => image}),
  }),
];
`,
  );
  project.write('tiny.yaml', tinySpec({plugins: './own.js', augment: '[same]'}));
  const {status, stdout, stderr} = ran(command, 'run', 'tiny.yaml');
  expect([status, stderr]).toEqual([0, expect.not.stringContaining('rror')]);
  expect(tableOf(stdout)).toMatch(/stripes +\S+ +kde +\d+\.\d/);
});
