import {spawnSync} from 'node:child_process';

/** `PYTHON`, or whatever is called python3. */
const python = process.env['PYTHON'] ?? 'python3';

/** What a title says that Python lacks; undefined: it has these modules. */
export function noPython(...modules: readonly string[]): string | undefined {
  const {status} = spawnSync(python, ['-c', `import ${modules.join(', ')}`]);
  return status === 0 ? undefined : `needs Python with ${modules.join(' and ')}`;
}

/** The output of a script. Throws what it has complained of. */
export function runPython(
  args: readonly string[],
  {cwd, input}: {readonly cwd?: string; readonly input?: string} = {},
) {
  const {status, stdout, stderr, error} = spawnSync(python, args, {
    ...(cwd !== undefined && {cwd}),
    ...(input !== undefined && {input}),
    maxBuffer: 1 << 28,
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`Python: ${stderr.toString()}`);
  return stdout;
}
