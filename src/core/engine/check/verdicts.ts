/**
 * What is known of kernels on this machine, kept for all later runs: a file of JSON lines to which every process appends. The first line
 * about a kernel stands, so that all processes compute it the same way; lines that can't be read are as if they were not there.
 */
import {appendFileSync, closeSync, fstatSync, mkdirSync, openSync, readFileSync, readSync} from 'node:fs';
import {arch, cpus, platform} from 'node:os';
import {dirname, join} from 'node:path';
import {cacheHome} from '../../base/cache-home.ts';
import {digestOf, type Json} from '../../base/canonical.ts';
import {codeOf} from '../../base/files.ts';

export interface Verdict {
  /** As `keyOf` has it. */
  readonly key: string;
  readonly kernel: string;
  /** The shapes, for people. */
  readonly shapes: string;
  /** `unchecked`: of a kind that is not; `distrusted`: not run, for a trial would not see each time what it does. */
  readonly verdict: 'right' | 'wrong' | 'crashes' | 'hangs' | 'fails' | 'distrusted' | 'unchecked';
  /** Relative, of a kernel that computed something; null: not a number. */
  readonly error?: number | null;
  /** How it ended otherwise. */
  readonly note?: string;
  /** How it is computed (`waysOf`); absent where no way is right. */
  readonly way?: string;
}

/** Whether every way throws, so that the fault lies in the call: of such nothing is kept, and it is no finding about the machine. */
export const isRefused = ({verdict, way}: Verdict): boolean => verdict === 'fails' && way === undefined;

/** Bump when other verdicts may come out: all are found anew. */
const version = 2;

/** All that decides what the library's kernels compute by. */
export function machineOf(libraryVersion: string, env: NodeJS.ProcessEnv): Json {
  const chosen = Object.entries(env).filter(([name]) =>
    /^(ONEDNN|DNNL|OMP|KMP|MKL|TF_.*(ONEDNN|MKL|THREAD))/.test(name),
  );
  return {
    version,
    library: libraryVersion,
    processor: processor(),
    variables: Object.fromEntries(chosen as [string, string][]),
  };
}

function processor(): Json {
  const always = {platform: platform(), arch: arch()};
  try {
    const text = readFileSync('/proc/cpuinfo', 'utf8');
    const value = (name: string) => new RegExp(`^${name}\\s*: (.*)$`, 'm').exec(text)?.[1] ?? '';
    return {
      ...always,
      model: value('model name'),
      family: value('cpu family'),
      number: value('model'),
      flags: value('flags'),
    };
  } catch {
    return {...always, model: cpus()[0]?.model ?? ''};
  }
}

export const verdictsPath = (cacheHome: string, machine: Json): string =>
  join(cacheHome, 'kernels', `${digestOf(machine).slice(0, 16)}.ndjson`);

const open = new Map<string, VerdictFile>();

/** What is known on this machine, one object for a file: what can't be kept is known to the whole process. */
export function openVerdicts(libraryVersion: string, env: NodeJS.ProcessEnv = process.env): VerdictFile {
  const path = verdictsPath(cacheHome(env), machineOf(libraryVersion, env));
  const file = open.get(path) ?? new VerdictFile(path);
  open.set(path, file);
  return file;
}

export class VerdictFile {
  readonly path: string;
  readonly #known = new Map<string, Verdict>();
  /** Bytes of whole lines that were read. */
  #seen = 0;
  #problem: string | undefined;

  constructor(path: string) {
    this.path = path;
    this.#read();
  }

  get(key: string): Verdict | undefined {
    return this.#known.get(key);
  }

  /** In the order in which they were found. */
  get all(): readonly Verdict[] {
    return [...this.#known.values()];
  }

  /** Why nothing can be kept; undefined: it can, as far as is known. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Adds it to the file and returns what stands there now: another process may have been first. */
  publish(verdict: Verdict): Verdict {
    // What was too slow on a busy machine may be right: it is tried again by the next process.
    if (verdict.verdict === 'hangs') {
      this.#known.set(verdict.key, verdict);
      return verdict;
    }
    try {
      mkdirSync(dirname(this.path), {recursive: true});
      // One write, so that lines of several processes don't mix; begun on a line of its own whatever a killed one has left.
      appendFileSync(this.path, `\n${JSON.stringify(verdict)}\n`);
      this.#read();
    } catch (error) {
      this.#problem = codeOf(error) ?? String(error);
    }
    if (!this.#known.has(verdict.key)) this.#known.set(verdict.key, verdict);
    return this.#known.get(verdict.key)!;
  }

  /** What has been added since it was read last. */
  #read(): void {
    let added: Buffer;
    try {
      added = bytesFrom(this.path, this.#seen);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') this.#problem = codeOf(error) ?? String(error);
      return;
    }
    // What another process has not written to its end is read the next time; the last line of a killed one is ended by the next.
    this.#seen += added.lastIndexOf('\n') + 1;
    for (const line of added.toString('utf8').split('\n')) {
      const verdict = parsed(line);
      if (verdict !== undefined && !this.#known.has(verdict.key)) this.#known.set(verdict.key, verdict);
    }
  }
}

function bytesFrom(path: string, start: number): Buffer {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(Math.max(0, fstatSync(file).size - start));
    return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, start));
  } finally {
    closeSync(file);
  }
}

/** Those that are kept. */
const verdicts: readonly unknown[] = ['right', 'wrong', 'crashes', 'fails', 'distrusted', 'unchecked'];

function parsed(line: string): Verdict | undefined {
  if (line === '') return undefined;
  try {
    const value = JSON.parse(line) as Partial<Verdict> | null;
    const texts = [value?.key, value?.kernel, value?.shapes];
    const sound = texts.every((text) => typeof text === 'string') && verdicts.includes(value?.verdict);
    return sound && (value?.way === undefined || typeof value.way === 'string') ? (value as Verdict) : undefined;
  } catch {
    return undefined;
  }
}
