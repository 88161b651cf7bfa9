/** Files, links, command lines and options that the documents name are there. */
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import type {Command} from 'commander';
import {beforeAll, expect, test} from 'vitest';
import {packageFolder} from '../rig/command.ts';
import {allDocuments, commandsOf, handWritten, pipelineArguments, spansOf} from './documents.ts';

let program: Command;
beforeAll(async () => {
  ({program} = await import('../../src/surface/cli/main.ts'));
});

test.for(allDocuments)('files and folders in backticks and links exist: $name', (document) => {
  const made = new Set(['runs', 'dist', 'node_modules']);
  const homes = [packageFolder, join(packageFolder, 'src')];
  const tops = new Set(homes.flatMap((home) => readdirSync(home)).filter((name) => !made.has(name)));
  const isThere = (path: string): boolean => {
    const fixed = path.includes('*') ? dirname(path.slice(0, path.indexOf('*') + 1)) : path;
    return homes.some((home) => existsSync(join(home, fixed)));
  };
  const links = [...document.text.matchAll(/\]\(([^)#]+)(#[^)]*)?\)/g)].map((match) => match[1]!);
  const local = links
    .filter((link) => !/^\w+:/.test(link))
    .filter((link) => !existsSync(join(packageFolder, dirname(document.name), link)));
  // `core ← domain` is no path, and `image/png` would be none: a path begins with a name that is there.
  const paths = spansOf(document)
    .filter((span) => /^[\w.*/-]+$/.test(span) && tops.has(span.split('/')[0]!))
    .filter((path) => !isThere(path) && !isOfTheReader(path));
  expect([...local, ...paths]).toEqual([]);
});

/** Files that a guide has its reader make, or that are of other people's code. */
const isOfTheReader = (path: string): boolean =>
  /^(pipelines\/(mine|bolts)|(train|test)\/(good|cut|scratched)|data\/(cifar\.py|bolts|mnist|efficientnet_b4|cifar10|mvtec|celeba|cats-vs-dogs))/.test(
    path,
  );

test('every page of docs/ can be reached from README', () => {
  const seen = new Set<string>();
  const visit = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    const document = allDocuments.find((one) => one.name === name);
    for (const match of (document?.text ?? '').matchAll(/\]\(([^):#]+\.md)(#[^)]*)?\)/g))
      visit(join(dirname(name), match[1]!));
  };
  visit('README.md');
  expect(allDocuments.map(({name}) => name).filter((name) => !seen.has(name))).toEqual([]);
});

test('headings that links name exist', () => {
  const anchors = (text: string): readonly string[] =>
    [...text.matchAll(/^#+ (.*)$/gm)].map((match) =>
      match[1]!
        .toLowerCase()
        .replaceAll(/[^\w\s-]/g, '')
        .replaceAll(' ', '-'),
    );
  const missing = allDocuments.flatMap(({name, text}) =>
    [...text.matchAll(/\]\(([^):#]*)#([^)]+)\)/g)]
      .filter((match) => {
        const target = match[1] === '' ? name : join(dirname(name), match[1]!);
        const document = allDocuments.find((one) => one.name === target);
        return document && !anchors(document.text).includes(match[2]!);
      })
      .map((match) => `${name}: ${match[0]}`),
  );
  expect(missing).toEqual([]);
});

test('sections of the notes on the papers that the code cites exist', () => {
  const notes = allDocuments.find(({name}) => name === 'docs/paper-notes.md')!;
  const sections = new Set<string>();
  let chapter = '';
  for (const [, hashes, number] of notes.text.matchAll(/^(#+ )?(\d+(?:\.\d+)?)\.? /gm)) {
    if (hashes) chapter = number!;
    sections.add(hashes ? number! : `${chapter}.${number}`); // 13.3 is the third point of section 13
  }
  const cited = ['src', 'test'].flatMap((folder) =>
    readdirSync(join(packageFolder, folder), {recursive: true, encoding: 'utf8'})
      .filter((name) => /\.(ts|py)$/.test(name))
      .flatMap((name) => {
        const text = readFileSync(join(packageFolder, folder, name), 'utf8');
        return [...text.matchAll(/paper-notes\.md`? ([\d.]*\d)/g)].map((match) => `${folder}/${name}: ${match[1]}`);
      }),
  );
  expect(cited.length).toBeGreaterThan(10);
  expect(cited.filter((citation) => !sections.has(citation.split(': ')[1]!))).toEqual([]);
});

const commandLines = handWritten.flatMap(commandsOf);

test.for(commandLines.filter((line) => pipelineArguments(line)))(
  'the command line is right: $words ($place)',
  async (line) => {
    await expect(parsed(pipelineArguments(line)!)).resolves.toBeUndefined();
  },
);

test('other command lines name scripts of this package, or programs that are not ours', () => {
  const {scripts} = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as {
    scripts: {[name: string]: string};
  };
  const wrong = commandLines
    .filter((line) => !pipelineArguments(line))
    .filter(({words: [first, second, third]}) => {
      if (first === 'npm' && second === 'run') return scripts[third!] === undefined;
      if (first === 'npm') return !['ci', 'test', 'install', 'pack'].includes(second!);
      if (first?.startsWith('.ci/')) return !existsSync(join(packageFolder, first));
      return !['git', 'cd', 'ssh', 'sudo', 'source', 'export', 'python', 'pip'].includes(first!);
    });
  expect(wrong).toEqual([]);
});

test('commands and options in the text exist', () => {
  const commands = everyCommand(program);
  const options = new Set(['--help', ...commands.flatMap((command) => command.options.map(({long}) => long))]);
  const wrong = handWritten.flatMap((document) =>
    spansOf(document).filter((span) => {
      if (/^--[\w-]+/.test(span)) return !options.has(/^--[\w-]+/.exec(span)![0]);
      if (!span.startsWith('pipeline ')) return false;
      const [name, ...rest] = span.split(/[\s]+/).slice(1);
      if (!/^[a-z]/.test(name!)) return false;
      const named = program.commands.find((command) => command.name() === name);
      const called = named?.commands.find((command) => command.name() === rest[0]) ?? named;
      const known = new Set([...(called?.options ?? []), ...program.options].map(({long}) => long));
      const flags = rest.filter((word) => word.startsWith('--')).map((word) => word.split('=')[0]!);
      return !called || flags.some((flag) => !known.has(flag));
    }),
  );
  expect(wrong).toEqual([]);
});

const everyCommand = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(everyCommand)];

/** What the parser says of a command line, which it does not carry out. */
async function parsed(words: readonly string[]): Promise<void> {
  for (const command of everyCommand(program)) {
    command.exitOverride((error) => {
      throw error;
    });
    command.configureOutput({writeOut: () => {}, writeErr: () => {}});
    if (command.commands.length === 0 || command.registeredArguments.length > 0) command.action(() => {});
  }
  try {
    await program.parseAsync([...words], {from: 'user'});
  } catch (error) {
    const {code} = error as {readonly code?: string};
    if (code !== 'commander.helpDisplayed' && code !== 'commander.version') throw error;
  }
}
