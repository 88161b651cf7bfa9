/** What is needed to set TensorFlow up, and what of it is missing. */
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {runCommand} from './command.ts';
import {allowsUnpinned, wheelsFor} from './wheels.ts';

/** Something that TensorFlow needs and that is missing. */
export interface Missing {
  readonly what: string;
  readonly how: string;
}

export function onPath(command: string, env: NodeJS.ProcessEnv): string | undefined {
  if (command.includes('/')) return existsSync(command) ? command : undefined;
  const folders = (env['PATH'] ?? '').split(':').filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, command)).find((path) => existsSync(path));
}

export const findNpm = (env: NodeJS.ProcessEnv) => onPath('npm', env);
export const findPython = (env: NodeJS.ProcessEnv) => onPath('python3', env) ?? onPath('python', env);

export function findCompiler(env: NodeJS.ProcessEnv): string | undefined {
  const named = env['CXX'];
  return named ? onPath(named, env) : (onPath('g++', env) ?? onPath('c++', env) ?? onPath('clang++', env));
}

export const missingCompiler = (env: NodeJS.ProcessEnv): Missing =>
  env['CXX']
    ? {what: `CXX names ${env['CXX']}, which is not there`, how: 'unset CXX or install it'}
    : {what: 'no C++ compiler is on PATH', how: 'install g++'};

export function inWords(missing: readonly Missing[]): string {
  return missing.map(({what, how}) => `${what} (${how})`).join('; ');
}

export async function findMissing(env: NodeJS.ProcessEnv): Promise<readonly Missing[]> {
  const wheels = wheelsFor('cpu', process.platform, process.arch);
  if (wheels === undefined)
    return [
      {
        what: `TensorFlow's library is not published for ${process.platform} on ${process.arch}`,
        how: 'use Linux on x64',
      },
    ];
  const missing: Missing[] = [];
  if (wheels.files.size === 0 && !allowsUnpinned(env))
    missing.push({
      what: `no checksum is pinned for TensorFlow on ${process.arch}`,
      how: 'set PIPELINE_ALLOW_UNPINNED=1 to trust the package index',
    });
  const python = findPython(env);
  if (python === undefined) missing.push({what: 'Python 3 is not on PATH', how: 'install python3 and pip'});
  else {
    try {
      await runCommand(python, ['-m', 'pip', '--version'], {env, quietSeconds: 60});
    } catch {
      missing.push({what: `${python} has no pip`, how: 'install python3-pip'});
    }
  }
  if (findCompiler(env) === undefined) missing.push(missingCompiler(env));
  if (findNpm(env) === undefined) missing.push({what: 'npm is not on PATH', how: 'install npm'});
  return missing;
}
