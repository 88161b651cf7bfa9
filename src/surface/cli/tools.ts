/** `plugins`, `schema`, `doctor`, `setup`, `data` and `cache`: what serves the work around runs. */
import {existsSync} from 'node:fs';
import {cpus, totalmem} from 'node:os';
import {join} from 'node:path';
import {styleText} from 'node:util';
import {writeFileAtomic} from '../../core/base/files.ts';
import {type Result, succeed} from '../../core/base/result.ts';
import {bytes, count, plural, suggest} from '../../core/base/text.ts';
import type {EngineDescription} from '../../core/engine/definition.ts';
import {describeEngines} from '../../core/engine/install/describe.ts';
import {provisionTensorflow} from '../../core/engine/install/provision.ts';
import {checkPlugin} from '../../core/plugin/check.ts';
import {describeOption, type Schema, schemaOf} from '../../core/plugin/describe.ts';
import {type AnyDefinition, kinds, type Plugins} from '../../core/plugin/registry.ts';
import {byWord} from '../../core/plugin/words.ts';
import {pipelineSchemaText} from '../../pipeline/config/schema.ts';
import type {Problem} from '../../pipeline/failures.ts';
import {openCache} from '../../pipeline/store/cache/cache.ts';
import {builtinPlugins} from './builtin.ts';
import {exitCodes} from './exit-codes.ts';
import {stepReporter} from './progress.ts';
import {
  dataRoots,
  err,
  folders,
  type Globals,
  orRefuse,
  out,
  packageFolder,
  packageVersion,
  refuse,
} from './session.ts';

export async function plugins(
  name: string | undefined,
  options: {markdown: boolean; spec?: string},
  {json}: Globals,
): Promise<number> {
  return orRefuse(await pluginsOf(options.spec), (known) =>
    Promise.resolve(printed(known.definitions(), name, options, json)),
  );
}

/** The built-in ones, and a spec's own. */
async function pluginsOf(spec: string | undefined): Promise<Result<Plugins, Problem>> {
  if (spec === undefined) return succeed(builtinPlugins());
  const {pluginsFor} = await import('../../pipeline/config/modules.ts');
  return pluginsFor(spec, builtinPlugins());
}

function printed(
  known: readonly AnyDefinition[],
  name: string | undefined,
  options: {markdown: boolean},
  json: boolean,
): number {
  const chosen = name === undefined ? known : known.filter((definition) => definition.name === name);
  if (chosen.length === 0) {
    const names = known.map((definition) => definition.name);
    return refuse([{message: `there is no plug-in "${name}"`, hint: suggest(name!, names, 'Known')}]);
  }
  if (json) {
    out(
      JSON.stringify(
        chosen.map(({kind, name, version, summary, paper, options}) => ({
          kind,
          name,
          version,
          summary,
          paper,
          options,
        })),
        null,
        2,
      ),
    );
    return exitCodes.done;
  }
  if (options.markdown) out(markdownOf(chosen));
  else if (name === undefined) out(listOf(chosen));
  else out(chosen.map(detailsOf).join('\n\n'));
  return exitCodes.done;
}

const listOf = (definitions: readonly AnyDefinition[]): string =>
  kinds
    .map((kind) => {
      const ofKind = definitions.filter((definition) => definition.kind === kind);
      const lines = ofKind.map(({name, summary}) => `  ${name.padEnd(18)} ${summary}`);
      return [styleText('bold', plural(2, kind).replace(/^2 /, '')), ...lines].join('\n');
    })
    .join('\n');

/** Options of a mapping follow it with their whole path, as `--set` wants it. */
const flatOptions = (options: readonly (readonly [string, Schema])[]): readonly (readonly [string, Schema])[] =>
  options.flatMap(([name, schema]) => {
    const inner = schema.type === 'object' ? Object.entries(byWord(schema)) : [];
    return inner.length === 0
      ? [[name, schema] as const]
      : [...flatOptions(inner.map(([part, of]) => [`${name}.${part}`, of] as const))];
  });

const optionsIn = (definition: AnyDefinition): readonly (readonly [string, Schema])[] =>
  flatOptions(Object.entries(byWord(schemaOf(definition))));

const detailsOf = (definition: AnyDefinition): string => {
  const options = optionsIn(definition);
  const room = Math.max(18, ...options.map(([name]) => name.length));
  return [
    `${styleText('bold', `${definition.kind} ${definition.name}`)} (version ${definition.version})`,
    definition.summary,
    ...(definition.paper ? [`Source: ${definition.paper}`] : []),
    ...options.map(
      ([option, schema]) =>
        `  ${option.padEnd(room)} ${describeOption(schema)}${schema.description ? `\n${' '.repeat(room + 3)}${schema.description}` : ''}`,
    ),
  ].join('\n');
};

const markdownOf = (definitions: readonly AnyDefinition[]): string =>
  definitions
    .map((definition) => {
      const rows = optionsIn(definition).map(
        ([option, schema]) => `| \`${option}\` | ${cell(describeOption(schema))} | ${cell(schema.description ?? '')} |`,
      );
      const table = rows.length === 0 ? [] : ['', '| option | value | meaning |', '|---|---|---|', ...rows];
      const paper = definition.paper ? ` (${definition.paper})` : '';
      return [`### ${definition.kind} \`${definition.name}\``, '', `${definition.summary}${paper}`, ...table].join(
        '\n',
      );
    })
    .join('\n\n');

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

export async function schema({write, spec}: {write: boolean; spec?: string}): Promise<number> {
  return orRefuse(await pluginsOf(spec), async (known) => {
    const text = pipelineSchemaText(known);
    if (!write) out(text);
    else {
      const [{siteSchemaText}, {stageKinds}] = await Promise.all([
        import('../../pipeline/config/site.ts'),
        import('../../pipeline/stages/index.ts'),
      ]);
      for (const [name, content] of [
        ['pipeline', text],
        ['site', siteSchemaText(stageKinds)],
      ] as const) {
        const file = join(packageFolder, 'schemas', `${name}.schema.json`);
        await writeFileAtomic(file, content);
        out(`wrote ${file}`);
      }
    }
    return exitCodes.done;
  });
}

export async function doctor({threads}: {readonly threads: number}, globals: Globals): Promise<number> {
  const engines = await describeEngines(process.env, threads);
  const best = takenByAuto(engines);
  const data = await foundDatasets(globals);
  if (globals.json) {
    out(JSON.stringify({version: packageVersion(), node: process.versions.node, engines, data}, null, 2));
    return exitCodes.done;
  }
  const processors = cpus();
  out(
    `pipeline ${packageVersion()} · Node ${process.versions.node} · ${processors[0]?.model ?? 'unknown processor'}, ${plural(processors.length, 'core')} · ${bytes(totalmem())} memory\n`,
  );
  for (const engine of engines) {
    const mark = engine.available ? styleText('green', '✓') : styleText('yellow', '–');
    const chosen = engine === best ? ' (what "auto" takes)' : '';
    out(
      `${mark} engine ${engine.name} ${engine.version} · ${engine.device} · ${plural(engine.threads, 'thread')}${chosen}`,
    );
    out(`    ${engine.note}`);
    for (const {what, how} of engine.missing) out(`    missing: ${what}; ${how}`);
  }
  out('');
  for (const {name, found, message, hint} of data) {
    out(`${found ? styleText('green', '✓') : styleText('yellow', '–')} data ${name}: ${message}`);
    if (hint) out(`    ${hint}`);
  }
  const better = advice(engines, data);
  out(
    better.length === 0
      ? '\nNothing is missing.'
      : `\nWhat could be improved:\n${better.map((line) => `  ${line}`).join('\n')}`,
  );
  return exitCodes.done;
}

/** That of an NVIDIA GPU, or the first that is there. */
const takenByAuto = (engines: readonly EngineDescription[]): EngineDescription | undefined =>
  engines.find(({name, available, device}) => name === 'torch' && available && device === 'gpu') ??
  engines.find(({available}) => available);

/** What to do, most rewarding first. */
const advice = (engines: readonly EngineDescription[], data: readonly FoundDataset[]): readonly string[] => {
  const absent = data.filter(({found}) => !found).map(({name}) => name);
  return [
    ...engines.flatMap(({better}) => better ?? []),
    ...engines
      .filter(({name, available}) => name === 'tensorflow' && !available)
      .map(({name, missing}) =>
        missing.length === 0
          ? `"pipeline setup" installs the engine ${name}, which trains several times faster`
          : `the engine ${name}, which trains several times faster, is not available: ${missing.map(({what}) => what).join(', ')}`,
      ),
    ...(absent.length === 0 ? [] : [`missing data: ${absent.join(', ')}; the list above says how to get it`]),
  ];
};

export async function setup(
  {engine, ifPossible}: {readonly engine: 'tensorflow' | 'torch'; readonly ifPossible: boolean},
  _globals: Globals,
): Promise<number> {
  const options = {report: stepReporter(err)};
  try {
    if (engine === 'torch') {
      const {provisionTorch} = await import('../../core/engine/torch/install.ts');
      const {version, torch} = await provisionTorch(options);
      out(`PyTorch ${version} is ready: ${torch}`);
    } else out(`TensorFlow is ready: ${await provisionTensorflow(options)}`);
    return exitCodes.done;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (!ifPossible) throw error;
    out(
      `${message}\nEverything still runs on ${engine === 'torch' ? 'the other engines' : 'wasm, several times slower'}.`,
    );
    return exitCodes.done;
  }
}

interface FoundDataset {
  readonly name: string;
  readonly found: boolean;
  readonly message: string;
  readonly hint?: string;
}

/** Where each dataset is, without fetching anything. */
async function foundDatasets(globals: Globals): Promise<readonly FoundDataset[]> {
  const known = builtinPlugins();
  const {folders: places} = dataRoots(globals);
  return Promise.all(
    known.names('dataset').map(async (name) => {
      const ref = checkPlugin(known, 'dataset', {type: name}).value;
      const dataset = known.create('dataset', ref);
      const located = await dataset.locate({folders: places}, dataset.inliers[0]!);
      if (!located.ok) {
        const [first] = located.failures;
        return {name, found: false, message: first?.message ?? 'not found', ...(first?.hint ? {hint: first.hint} : {})};
      }
      const [file] = located.value;
      return {
        name,
        found: true,
        message:
          file === undefined
            ? 'drawn by this program, needs no files'
            : `${plural(located.value.length, 'file')} such as ${file.path}`,
      };
    }),
  );
}

export async function dataLs(globals: Globals): Promise<number> {
  const data = await foundDatasets(globals);
  if (globals.json) out(JSON.stringify(data, null, 2));
  else
    for (const {name, found, message, hint} of data) {
      out(`${found ? '✓' : '–'} ${name}: ${message}`);
      if (hint) out(`    ${hint}`);
    }
  return exitCodes.done;
}

/** The dataset by name with its default options, or the problem with that name. */
function datasetCalled(name: string) {
  const known = builtinPlugins();
  if (known.find('dataset', name)) return known.create('dataset', checkPlugin(known, 'dataset', {type: name}).value);
  refuse([{message: `there is no dataset "${name}"`, hint: suggest(name, known.names('dataset'), 'Known')}]);
  return undefined;
}

export async function dataFetch(name: string, globals: Globals): Promise<number> {
  const dataset = datasetCalled(name);
  if (!dataset) return exitCodes.wrongInput;
  const located = await dataset.locate(dataRoots(globals, err), dataset.inliers[0]!);
  if (!located.ok) return refuse(located.failures);
  for (const {path} of located.value) out(path);
  return exitCodes.done;
}

export async function dataVerify(name: string, globals: Globals): Promise<number> {
  const dataset = datasetCalled(name);
  if (!dataset) return exitCodes.wrongInput;
  for (const inlier of dataset.perInlier ? dataset.inliers : dataset.inliers.slice(0, 1)) {
    const located = await dataset.locate({folders: dataRoots(globals).folders}, inlier);
    if (!located.ok) return refuse(located.failures);
    for (const split of ['train', 'test'] as const) {
      const perClass = new Map<number, number>();
      for await (const batch of dataset.read(located.value, split, inlier))
        for (const index of batch.classes) perClass.set(index, (perClass.get(index) ?? 0) + 1);
      const total = [...perClass.values()].reduce((sum, n) => sum + n, 0);
      const classes = dataset.classes.map((label, index) => `${label} ${perClass.get(index) ?? 0}`).join(', ');
      out(`${name}${dataset.perInlier ? ` ${inlier}` : ''} ${split}: ${count(total)} images (${classes})`);
    }
  }
  return exitCodes.done;
}

const cacheOf = (globals: Globals) => {
  const {cache} = folders(globals);
  return existsSync(cache) ? openCache(cache, {warn: (message) => err(`warning: ${message}`)}) : undefined;
};

export async function cacheLs(globals: Globals): Promise<number> {
  const entries = [];
  for await (const {manifest, size, used} of cacheOf(globals)?.list() ?? [])
    entries.push({fingerprint: manifest.fingerprint, kind: manifest.kind, label: manifest.label, size, used});
  entries.sort((a, b) => b.used.getTime() - a.used.getTime() || (a.label < b.label ? -1 : 1));
  if (globals.json) out(JSON.stringify(entries, null, 2));
  else {
    for (const {fingerprint, label, size, used} of entries)
      out(`${fingerprint.slice(0, 12)}  ${used.toISOString().slice(0, 10)}  ${bytes(size).padStart(9)}  ${label}`);
    out(`${plural(entries.length, 'entry', 'entries')}, ${bytes(entries.reduce((sum, entry) => sum + entry.size, 0))}`);
  }
  return exitCodes.done;
}

export async function cacheVerify(globals: Globals): Promise<number> {
  let sound = 0;
  let damaged = 0;
  for await (const verdict of cacheOf(globals)?.verify() ?? []) {
    if (verdict.state === 'ok') sound++;
    else {
      damaged++;
      out(`✗ ${verdict.fingerprint}: ${verdict.reason}${verdict.movedTo ? `; moved to ${verdict.movedTo}` : ''}`);
    }
  }
  out(`${plural(sound, 'entry', 'entries')} sound, ${damaged} damaged`);
  return damaged > 0 ? exitCodes.failed : exitCodes.done;
}

export async function cachePrune({days}: {days: number}, globals: Globals): Promise<number> {
  const pruned = await cacheOf(globals)?.prune({olderThanDays: days});
  out(
    pruned
      ? `removed ${plural(pruned.entries, 'entry', 'entries')}, freed ${bytes(pruned.bytes)}`
      : 'there is no cache in this folder',
  );
  return exitCodes.done;
}
