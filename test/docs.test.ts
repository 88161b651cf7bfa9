/** What README and ARCHITECTURE say is there: files, commands, options, specs, and the plug-in of the example. */
import {spawnSync} from 'node:child_process';
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {dirname, join} from 'node:path';
import {expect, test} from 'vitest';
import {Project, packageFolder, tinySpec} from './rig/command.ts';

const documents = ['README.md', 'ARCHITECTURE.md'].map((name) => {
  return {name, text: readFileSync(join(packageFolder, name), 'utf8')};
});

/** Fenced blocks of a language. */
const blocks = (text: string, language: string): readonly string[] =>
  [...text.matchAll(/^```(\w*)\n(.*?)^```/gms)].filter((match) => match[1] === language).map((match) => match[2]!);

/** Text in backticks, outside blocks; `\|` is how a table writes a bar. */
const spans = (text: string): readonly string[] =>
  [...text.replaceAll(/^```.*?^```/gms, '').matchAll(/`([^`\n]+)`/g)].map((match) => match[1]!.replaceAll('\\|', '|'));

test('specs in the documents are valid', async () => {
  using project = new Project();
  const specs = documents.flatMap(({name, text}) =>
    blocks(text, 'yaml')
      .filter((block) => /^(dataset|suite|specs|pipelines):/m.test(block))
      .map((block, i) => ({file: `${name}-${i + 1}.yaml`, block})),
  );
  for (const {file, block} of specs) project.write(file, block);
  if (specs.length === 0) return;
  const {status, err} = await project.run('validate', ...specs.map(({file}) => file));
  expect([status, err]).toEqual([0, '']);
});

test('pipelines/ are valid', async () => {
  using project = new Project();
  const folder = join(packageFolder, 'pipelines');
  const files = readdirSync(folder, {recursive: true, encoding: 'utf8'}).filter((name) => name.endsWith('.yaml'));
  const {status, out, err} = await project.run('validate', ...files.map((name) => join(folder, name)));
  const problems = err.split('\n').filter((line) => line !== '' && !line.startsWith('warning: '));
  expect([status, problems]).toEqual([0, []]);
  expect(out.trimEnd().split('\n')).toHaveLength(files.length);
});

test('files and folders in backticks and links exist', () => {
  const made = new Set(['runs', 'dist', 'node_modules']);
  const homes = [packageFolder, join(packageFolder, 'src')];
  const tops = new Set(homes.flatMap((home) => readdirSync(home)).filter((name) => !made.has(name)));
  const there = (path: string): boolean => {
    const fixed = path.includes('*') ? dirname(path.slice(0, path.indexOf('*') + 1)) : path;
    return homes.some((home) => existsSync(join(home, fixed)));
  };
  for (const {name, text} of documents) {
    const links = [...text.matchAll(/\]\(([^)#]+)(#[^)]*)?\)/g)].map((match) => match[1]!);
    const local = links.filter((link) => !/^\w+:/.test(link));
    // `core ← domain` is none, and `image/png` would be none: a path begins with a name that is there.
    const paths = spans(text).filter((span) => /^[\w.*/-]+$/.test(span) && tops.has(span.split('/')[0]!));
    const missing = [...local, ...paths].filter((path) => !there(path));
    expect({name, missing}).toEqual({name, missing: []});
  }
});

interface Help {
  readonly commands: readonly string[];
  readonly options: ReadonlySet<string>;
}

test('commands and options exist', async () => {
  using project = new Project();
  const helps = new Map<string, Promise<Help>>();
  const ask = async (line: string): Promise<Help> => {
    const {status, out} = await project.run(...line.split(' ').filter((word) => word !== ''), '--help');
    expect([line, status]).toEqual([line, 0]);
    const commands = /\nCommands:\n(.*?)(\n\n|$)/s.exec(out)?.[1] ?? '';
    return {
      commands: [...commands.matchAll(/^ {2}([a-z]\w*)/gm)].map((match) => match[1]!).filter((name) => name !== 'help'),
      options: new Set([...out.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map((match) => match[1]!)),
    };
  };
  const helpOf = (line: string): Promise<Help> => {
    const known = helps.get(line) ?? ask(line);
    helps.set(line, known);
    return known;
  };
  const all = (await helpOf('')).commands;
  const wrong: string[] = [];
  /** Words that name commands come first; the rest are arguments and options. */
  const check = async (line: string): Promise<void> => {
    const words = line.split(/\s+/);
    let at = '';
    let help = await helpOf('');
    // `show <run>` has an argument where `show augment` has a command.
    while (words.length > 0 && help.commands.length > 0 && !/^[-<[]/.test(words[0]!)) {
      const names = words.shift()!.split('|');
      for (const name of names) if (!help.commands.includes(name)) wrong.push(`pipeline ${line}: no command ${name}`);
      if (!help.commands.includes(names[0]!)) return;
      at = `${at} ${names[0]}`.trim();
      help = await helpOf(at);
    }
    for (const word of words) {
      const option = /^--[\w-]+/.exec(word)?.[0];
      if (option && !help.options.has(option)) wrong.push(`pipeline ${line}: no option ${option}`);
    }
  };
  for (const {text} of documents) {
    const inBlocks = [...text.matchAll(/\bnpx pipeline ([^\n&`]+)/g)].map((match) => match[1]!);
    const inText = spans(text)
      .filter((span) => span.startsWith('pipeline '))
      .map((span) => span.slice('pipeline '.length));
    // The table of commands writes `pipeline ls`, `show <run>`.
    const inTable = text
      .split('\n')
      .filter((line) => line.startsWith('| `pipeline '))
      .flatMap((line) => spans(line.replaceAll('\\|', '\u0000').split('|')[1]!.replaceAll('\u0000', '|')))
      .map((span) => span.replace(/^pipeline /, ''));
    for (const line of new Set([...inBlocks, ...inText, ...inTable])) await check(line.trim());
    const every = new Set<string>();
    for (const name of all) for (const option of (await helpOf(name)).options) every.add(option);
    for (const span of spans(text)) {
      const option = /^--[\w-]+/.exec(span)?.[0];
      if (option && !every.has(option)) wrong.push(`${span}: no command has it`);
    }
  }
  expect(wrong).toEqual([]);
});

test('the plug-in of the example compiles and works', async () => {
  const example = blocks(documents[1]!.text, 'ts').find((block) => block.includes('defineTransform('))!;
  using project = new Project();
  project.install();
  project.write('package.json', '{"type": "module"}');

  project.write(
    'example.ts',
    `import {defineTransform, type FloatImage, Type} from 'pipeline';
declare const mirror: (image: FloatImage) => FloatImage;
${example}`,
  );
  const require = createRequire(import.meta.url);
  const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
  const config = {
    extends: join(packageFolder, 'tsconfig.json'),
    compilerOptions: {
      noEmit: true,
      skipLibCheck: true,
      typeRoots: [join(packageFolder, 'node_modules', '@types')],
      paths: {pipeline: [join(packageFolder, 'src', 'index.ts')]},
    },
    include: [],
    files: ['example.ts'],
  };
  project.write('tsconfig.json', JSON.stringify(config));
  const compiled = spawnSync(process.execPath, [tsc, '-p', project.path('tsconfig.json')], {encoding: 'utf8'});
  // Only of the example: the rest is what `npm run check` is for.
  expect(compiled.stdout.split('\n').filter((line) => /example\.ts|tsconfig/.test(line))).toEqual([]);

  // There is a built-in one of that name.
  project.write(
    'example.js',
    `import {defineTransform, Type} from 'pipeline';
const mirror = (image) => image;
${example.replace("'hflip'", "'mirror'")}
export const plugins = [hflip];`,
  );
  project.write('own.yaml', tinySpec({plugins: './example.js', augment: '[{mirror: {p: 0.2}}]'}));
  const {status, err} = await project.run('run', 'own.yaml', '--quiet');
  expect([status, err]).toEqual([0, '']);
});
