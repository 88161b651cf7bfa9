/**
 * Compiles src/ into a folder: `node bin/bundle.js FOLDER`. Modules that are always loaded together become one file in `chunks/`, because
 * opening some 300 small ones takes a process longer than running them. Every module keeps a file of its own name, which exports from there.
 */
import {readdirSync} from 'node:fs';
import {dirname, join, relative} from 'node:path';
import {fileURLToPath} from 'node:url';
import {rolldown} from 'rolldown';

const source = join(dirname(dirname(fileURLToPath(import.meta.url))), 'src');
const browser = join('surface', 'client');
const modules = readdirSync(source, {recursive: true, encoding: 'utf8'}).filter(
  (name) => name.endsWith('.ts') && !name.startsWith(join(browser, '/')),
);

/** What is started by its name: as a program, a process, a thread, or by import of a URL. */
const started = [
  'surface/cli/main',
  'index',
  'builtin',
  'core/engine/check/process',
  'core/engine/check/thread',
  'core/plugin/own-package',
  'domain/learners/training/feed-thread',
  'pipeline/execute/speed',
  'pipeline/execute/worker',
  'pipeline/models/restore',
  'pipeline/stages/index',
  'pipeline/store/results/apart-worker',
].map((name) => join(source, `${name}.ts`));

/** Module → what it imports, at once and later. */
const graph = new Map();
const reader = {
  name: 'reader',
  moduleParsed: ({id, importedIds, dynamicallyImportedIds}) => graph.set(id, {importedIds, dynamicallyImportedIds}),
};

/** A module asks for its own place by its URL. In a chunk it has another one. */
const places = {
  name: 'places',
  transform: {
    filter: {code: 'import.meta.url'},
    handler(code, id) {
      const compiled = relative(source, id).replaceAll('\\', '/').replace(/\.ts$/, '.js');
      return {code: code.replaceAll('import.meta.url', `new URL('${compiled}', compiledFolder).href`), map: null};
    },
  },
};
const upwards = (fileName) => '../'.repeat(fileName.split('/').length - 1) || './';
const banner = ({fileName}) => `const compiledFolder = new URL('${upwards(fileName)}', import.meta.url);`;

function reach(id, found = new Set()) {
  if (found.has(id) || !graph.has(id)) return found;
  found.add(id);
  for (const next of graph.get(id).importedIds) reach(next, found);
  return found;
}

let chunkOf;
/** Modules that are reached from the same starts, and so are loaded together. Of the plug-ins, only programs count as starts. */
function chunks() {
  const later = [...graph.values()].flatMap(({dynamicallyImportedIds}) => dynamicallyImportedIds);
  const plugins = reach(join(source, 'builtin.ts'));
  const reaching = new Map([...graph.keys()].map((id) => [id, []]));
  for (const [number, start] of [...new Set([...started, ...later.sort()])].entries())
    for (const id of reach(start)) if (number < started.length || !plugins.has(id)) reaching.get(id).push(number);
  return new Map([...reaching].map(([id, numbers]) => [id, `part-${numbers.join('-')}`]));
}

const bundle = await rolldown({
  input: Object.fromEntries(modules.map((name) => [name.replace(/\.ts$/, ''), join(source, name)])),
  platform: 'node',
  preserveEntrySignatures: 'allow-extension',
  external: (id) => !id.startsWith('.') && !id.startsWith(source),
  plugins: [reader, places],
  checks: {ineffectiveDynamicImport: false},
});
const {output} = await bundle.write({
  dir: process.argv[2],
  format: 'esm',
  sourcemap: true,
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[hash].js',
  banner,
  codeSplitting: {
    includeDependenciesRecursively: false,
    groups: [
      {
        debugName: 'loaded together',
        test: (id) => id.startsWith(source),
        name(id) {
          chunkOf ??= chunks();
          return chunkOf.get(id);
        },
      },
    ],
  },
});

// A template with the end of a script element would be compiled into a call of this package, which is not there: `scriptElement` writes one.
for (const {type, imports, moduleIds} of output)
  if (type === 'chunk' && imports.some((name) => name.startsWith('@oxc-project/')))
    throw new Error(`one of these modules has an HTML template with "</script>": ${moduleIds.join(', ')}`);
