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
  const require = createRequire(import.meta.url);
  const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
  const flags = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2023', '--skipLibCheck', '--types', ''];
  expect(ran(tsc, ...flags, 'right.ts', 'wrong.ts').stdout).toMatch(
    /^wrong\.ts\(9,\d+\): error TS2339: Property 'length' does not exist on type 'number'\.\n$/,
  );
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
