/**
 * The compiled command inside the test's own process, one command line at a time: what it reads of its process (folder, arguments,
 * environment, streams, exit status) is set before and put back after. Node, the command's modules and an engine start once a test file.
 */
import {pathToFileURL} from 'node:url';

export interface Ended {
  /** Exit status, or the signal's name. */
  readonly status: number | string;
  readonly out: string;
  readonly err: string;
}

interface CommandLine {
  /** Path of `bin/pipeline.js`. */
  readonly command: string;
  readonly args: readonly string[];
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
}

/** The command lines so far: a process has one folder and one standard output. */
let before: Promise<unknown> = Promise.resolve();

export function runHere(line: CommandLine): Promise<Ended> {
  const ended = before.then(() => runAlone(line));
  before = ended.catch(() => undefined);
  return ended;
}

async function runAlone({command, args, folder, env}: CommandLine): Promise<Ended> {
  const {main} = (await import(
    /* @vite-ignore */ new URL('../dist/surface/cli/main.js', pathToFileURL(command)).href
  )) as {main(): Promise<void>};
  const {argv, exitCode} = process;
  const outside = {...process.env};
  const cwd = process.cwd();
  const [out, err] = [captured(process.stdout), captured(process.stderr)];
  try {
    process.chdir(folder);
    process.argv = [argv[0]!, command, ...args];
    setEnv(env);
    process.exitCode = undefined;
    await main();
    return {status: Number(process.exitCode ?? 0), out: out.text(), err: err.text()};
  } finally {
    for (const stream of [out, err]) stream.release();
    Object.assign(process, {argv, exitCode});
    setEnv(outside);
    process.chdir(cwd);
  }
}

function setEnv(env: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
  Object.assign(process.env, env);
}

/** Keeps what is written instead of writing it, and takes away the listeners that the command leaves. */
function captured(stream: NodeJS.WriteStream): {text(): string; release(): void} {
  const {write} = stream;
  const listeners = stream.listeners('error');
  const chunks: Buffer[] = [];
  stream.write = ((chunk: string | Uint8Array, encoding?: unknown, callback?: unknown) => {
    chunks.push(Buffer.from(chunk as Uint8Array));
    const done = typeof encoding === 'function' ? encoding : callback;
    if (typeof done === 'function') process.nextTick(done);
    return true;
  }) as typeof stream.write;
  return {
    text: () => Buffer.concat(chunks).toString('utf8'),
    release: () => {
      stream.write = write;
      for (const listener of stream.listeners('error'))
        if (!listeners.includes(listener)) stream.off('error', listener as () => void);
    },
  };
}
