import {spawn} from 'node:child_process';

export interface CommandOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly signal?: AbortSignal;
  /** Kills the command after this time without a sign of life; 0 or absent: never. */
  readonly quietSeconds?: number;
  /** Another sign of life than output, read twice a second: any change of the number counts. */
  alive?(): number;
  line?(text: string): void;
}

/** A program that could not be started, failed, or hung. `message` ends with the last lines that it wrote. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** Runs a program to its end and returns what it wrote to stdout. It and its children are killed on abort. */
export function runCommand(command: string, args: readonly string[], options: CommandOptions): Promise<string> {
  const {env, cwd, signal, quietSeconds = 0, alive, line} = options;
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    // A separate process group, so that its children are killed with it.
    const child = spawn(command, args, {env, stdio: ['ignore', 'pipe', 'pipe'], detached: true, ...(cwd && {cwd})});
    let out = '';
    let tail = '';
    let lastSign = Date.now();
    let lastCount = alive?.();
    let ended: Error | undefined;
    const kill = (reason: Error) => {
      ended ??= reason;
      if (child.pid !== undefined)
        try {
          process.kill(-child.pid, 'SIGKILL');
        } catch {
          // It has ended by itself in the meantime.
        }
    };
    const abort = () => kill(signal!.reason as Error);
    signal?.addEventListener('abort', abort, {once: true});
    const watch = setInterval(() => {
      const count = alive?.();
      if (count !== lastCount) {
        lastCount = count;
        lastSign = Date.now();
      }
      if (quietSeconds > 0 && Date.now() - lastSign > quietSeconds * 1000)
        kill(new CommandError(`${command} did nothing for ${quietSeconds} seconds and was stopped${lastLines(tail)}`));
    }, 500);
    const listen = (stream: NodeJS.ReadableStream, take: (text: string) => void) => {
      let rest = '';
      stream.setEncoding('utf8').on('data', (text: string) => {
        lastSign = Date.now();
        take(text);
        tail = (tail + text).slice(-4000);
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        for (const whole of lines) line?.(whole);
      });
    };
    listen(child.stdout, (text) => {
      out += text;
    });
    listen(child.stderr, () => undefined);
    const settle = (act: () => void) => {
      clearInterval(watch);
      signal?.removeEventListener('abort', abort);
      act();
    };
    child.once('error', (error) =>
      settle(() => reject(new CommandError(`${command} cannot be started: ${error.message}`))),
    );
    child.once('close', (code, by) =>
      settle(() => {
        if (ended !== undefined) reject(ended);
        else if (code === 0) resolve(out);
        else
          reject(
            new CommandError(
              `${command} ${by ? `was killed by ${by}` : `failed with status ${code}`}${lastLines(tail)}`,
            ),
          );
      }),
    );
  });
}

function lastLines(text: string): string {
  const lines = text.trim().split('\n').slice(-6).join('\n');
  return lines === '' ? '' : `:\n${lines}`;
}

/** Of an error, for a sentence. */
export function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const lines = text.split('\n');
  // A command's last line says more than that it failed.
  return error instanceof CommandError && lines.length > 1 ? `${lines[0]} ${lines.at(-1)}` : (lines[0] ?? '');
}
