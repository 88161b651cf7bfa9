/** The documents that people read, and what stands in them. */
import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {packageFolder} from '../rig/command.ts';

export interface Document {
  /** From the package's folder, such as `docs/tutorial.md`. */
  readonly name: string;
  readonly text: string;
}

export interface Block {
  readonly language: string;
  readonly text: string;
  /** `docs/tutorial.md:12`. */
  readonly place: string;
}

const load = (name: string): Document => ({name, text: readFileSync(join(packageFolder, name), 'utf8')});

const pagesIn = (folder: string): readonly string[] =>
  readdirSync(join(packageFolder, folder), {recursive: true, encoding: 'utf8'})
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`)
    .sort();

export const referencePages: readonly Document[] = pagesIn('docs/reference').map(load);

/** Written by hand. README and the tutorial come first: later documents build on what they make. */
export const handWritten: readonly Document[] = [
  ...new Set([
    'README.md',
    'docs/tutorial.md',
    ...pagesIn('docs').filter((name) => !name.startsWith('docs/reference/')),
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
  ]),
].map(load);

export const allDocuments = [...handWritten, ...referencePages];

/** Fenced blocks in their order; one that is indented is of a list. */
export function blocksOf({name, text}: Document): readonly Block[] {
  return [...text.matchAll(/^( *)```(\w*)\n(.*?)^\1```$/gms)].map((match) => ({
    language: match[2]!,
    text: match[3]!.replaceAll(new RegExp(`^${match[1]}`, 'gm'), ''),
    place: `${name}:${text.slice(0, match.index).split('\n').length}`,
  }));
}

/** Text in backticks, outside blocks; `\|` is how a table writes a bar. */
export const spansOf = ({text}: Document): readonly string[] =>
  [...text.replaceAll(/^ *```.*?^ *```$/gms, '').matchAll(/`([^`\n]+)`/g)].map((match) =>
    match[1]!.replaceAll('\\|', '|'),
  );

export interface CommandLine {
  /** In order. */
  readonly words: readonly string[];
  readonly place: string;
}

/** Command lines of `sh` blocks, split at `&&`, without comments; a line that ends in `\` goes on. */
export const commandsOf = (document: Document): readonly CommandLine[] =>
  blocksOf(document)
    .filter(({language}) => language === 'sh')
    .flatMap(({text, place}) =>
      text
        .replaceAll('\\\n', ' ')
        .split('\n')
        .flatMap((line) => line.split(' && '))
        .map((line) => ({words: wordsOf(line), place})),
    )
    .filter(({words}) => words.length > 0);

/** As a shell splits them: quotes hold together, `#` begins a comment. */
function wordsOf(line: string): readonly string[] {
  const parts = [...line.matchAll(/"([^"]*)"|'([^']*)'|(#.*)|([^\s"'#]\S*)/g)];
  return parts.filter((match) => match[3] === undefined).map((match) => match[1] ?? match[2] ?? match[4]!);
}

/** The arguments of `npx pipeline …`; undefined: another program's line. */
export const pipelineArguments = ({words}: CommandLine): readonly string[] | undefined => {
  const [program, ...rest] = words[0] === 'npx' ? words.slice(1) : words;
  return program === 'pipeline' ? rest : undefined;
};

/** A block that begins with a comment of a path is a file that the reader is to write: its path. */
export const fileOf = ({text}: Block): string | undefined => /^(?:#|\/\/) ([\w./-]+\.\w+)\n/.exec(text)?.[1];
