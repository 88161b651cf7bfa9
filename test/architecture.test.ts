import {readdirSync, readFileSync} from 'node:fs';
import {dirname, join, relative} from 'node:path';
import {expect, test} from 'vitest';

const sources = readdirSync('src', {recursive: true, encoding: 'utf8'})
  .filter((file) => file.endsWith('.ts'))
  .map((file) => join('src', file))
  .sort();

/** Every module that a file names in an import, an export-from, or an import(): types and values alike. */
function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  return [...text.matchAll(/(?:\bfrom|\bimport\(|^import)\s*'([^']+)'/gm)].map((match) => match[1]!);
}

/** `src/pipeline/plan/order.ts` → `pipeline`; `src/builtin.ts` → `builtin.ts`. */
const floor = (file: string): string => file.split('/')[1]!;
const room = (file: string): string => file.split('/').slice(1, 3).join('/');

const inside = (file: string): string[] =>
  importsOf(file)
    .filter((to) => to.startsWith('.'))
    .map((to) => relative('.', join(dirname(file), to)));

const floors: Record<string, readonly string[]> = {
  core: ['core'],
  domain: ['core', 'domain'],
  pipeline: ['core', 'pipeline'],
  surface: ['core', 'pipeline', 'domain', 'surface', 'builtin.ts'],
  'builtin.ts': ['core', 'domain'],
  'index.ts': ['core', 'domain'],
};

test.for(sources)('%s imports only what its floor may', (file) => {
  const allowed = floors[floor(file)];
  expect(allowed, `${floor(file)} is no floor of the house`).toBeDefined();
  const forbidden = inside(file).filter((to) => !allowed!.includes(floor(to)));
  expect(forbidden, `${floor(file)} may import ${allowed!.join(', ')}`).toEqual([]);
});

test.for(sources.filter((file) => floor(file) === 'domain'))('%s stays in its room of domain/', (file) => {
  const doors: Record<string, readonly string[]> = {'domain/learners': ['domain/transforms', 'domain/networks']};
  const allowed = [room(file), ...(doors[room(file)] ?? [])];
  expect(inside(file).filter((to) => floor(to) === 'domain' && !allowed.includes(room(to)))).toEqual([]);
});

test.for(sources.filter((file) => room(file) === 'surface/live'))('%s knows neither cli nor report', (file) => {
  expect(inside(file).filter((to) => ['surface/cli', 'surface/report', 'surface/tables'].includes(room(to)))).toEqual(
    [],
  );
});

/** Files that import one another, types counted, from the first to itself again; undefined: there are none. */
function circle(): readonly string[] | undefined {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): readonly string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    path.push(file);
    for (const to of inside(file)) {
      const found = visit(to);
      if (found !== undefined) return found;
    }
    path.pop();
    done.add(file);
    return undefined;
  };
  for (const file of sources) {
    const found = visit(file);
    if (found !== undefined) return found;
  }
  return undefined;
}

test('no files import one another in a circle, types counted', () => {
  expect(circle()?.join(' → ')).toBeUndefined();
});

/** A package that may die or be replaced costs one file. */
const doors: readonly (readonly [RegExp, RegExp])[] = [
  [/^@tensorflow\//, /^src\/core\/(engine|formats\/tensorflow)\//],
  [/^webgpu$/, /^src\/core\/engine\/webgpu\/webgpu\.ts$/],
  [/^apache-arrow/, /^src\/core\/formats\/arrow\/ipc\.ts$/],
  [/^@duckdb\//, /^src\/pipeline\/store\/results\/(connect|database|duckdb|insert|migrate|results|select)\.ts$/],
  [/^yaml$/, /^src\/pipeline\/config\/(parse|tree)\.ts$/],
  [/^commander$/, /^src\/surface\/cli\/(main|jobs|remark-commands|search-commands|storage-commands|values)\.ts$/],
  [/^typebox$/, /^src\/core\/plugin\/type\.ts$/],
  [/^ajv/, /^src\/(core\/plugin\/check|pipeline\/config\/validate)\.ts$/],
  [/^@bufbuild\//, /^src\/core\/formats\/protobuf\.ts$/],
  [/^onnxruntime-/, /^src\/core\/(formats\/onnx\/runtime|engine\/onnx\/session)\.ts$/],
  [/^(sharp|@cwasm\/nsbmp)$/, /^src\/core\/images\/codec\.ts$/],
  [/^tar-stream$/, /^src\/domain\/datasets\/readers\/archive\.ts$/],
  [/^vega/, /^src\/surface\/report\/chart\.ts$/],
  [/^umap-js$/, /^src\/surface\/report\/umap\.ts$/],
  [/^@viz-js\//, /^src\/surface\/report\/svg\.ts$/],
  [/^csv-parse/, /^src\/core\/base\/csv\.ts$/],
  [/^string-width$/, /^src\/core\/base\/width\.ts$/],
  [/^tinyqueue$/, /^src\/pipeline\/stages\/subset\.ts$/],
  [/^p-queue$/, /^src\/pipeline\/(execute\/executor|store\/remote\/pushes)\.ts$/],
  [/^@aws-sdk\//, /^src\/pipeline\/store\/remote\/s3\.ts$/],
];

test.for(doors)('only one door leads to %s', ([name, door]) => {
  const users = sources.filter((file) => importsOf(file).some((to) => name.test(to)));
  expect(users.length, `${name} is imported somewhere`).toBeGreaterThan(0);
  expect(users.filter((file) => !door.test(file))).toEqual([]);
});
