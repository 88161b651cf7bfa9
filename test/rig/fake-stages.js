/**
 * Stages by remote control, for worker processes: plain JavaScript, as workers load no TypeScript. A stage does what the
 * `script` of its recipe says, then leaves the file `out`: its `text`, or what its inputs say joined.
 */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';

export async function runStage({recipe, inputs, sources, out, earlier, scratch, signal, report, warn}) {
  const {world, name, script = []} = recipe;
  const note = (word) => appendFileSync(join(world, 'journal'), `${word} ${name}\n`);
  note('start');
  const step = {
    /** Tells the test that it is here. */
    tell: (word) => report({of: 'items', done: 0, unit: word}),
    /** Until the test makes the file, or the run is interrupted. */
    wait: async (file) => {
      while (!existsSync(join(world, file))) {
        if (signal.aborted) note('stopped');
        signal.throwIfAborted();
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    },
    fail: (message) => {
      throw Object.assign(new Error(message), {hint: 'Try something else.'});
    },
    throw: (message) => {
      throw new TypeError(message);
    },
    toss: (value) => {
      throw value;
    },
    warn: (message) => warn(message),
    print: (text) => process.stderr.write(`${text}\n`),
    kill: async (name) => {
      process.kill(process.pid, name);
      await new Promise(() => undefined);
    },
    exit: (status) => process.exit(status),
    /** Has used a kernel, which is computed in this way. */
    kernel: async ([key, way]) => {
      const {noteKernel} = await import('../../dist/core/engine/check/findings.js');
      noteKernel(key, {key, kernel: 'K', shapes: key, verdict: way === 'itself' ? 'right' : 'wrong', way});
    },
    pid: () => note(`pid ${process.pid}`),
    gpu: () => note(`gpu ${process.env.CUDA_VISIBLE_DEVICES}`),
    /** Computes and hears nothing. */
    spin: () => {
      for (;;);
    },
    edit: (path) => appendFileSync(path, 'x'),
    /** Edits it and puts content and time back. */
    touch: (path) => {
      const {atime, mtime} = statSync(path);
      const text = readFileSync(path);
      writeFileSync(path, 'another');
      writeFileSync(path, text);
      utimesSync(path, atime, mtime);
    },
    /** Puts another folder in its place, and then it back. */
    swap: (folder) => {
      renameSync(folder, `${folder}.away`);
      mkdirSync(folder);
      rmdirSync(folder);
      renameSync(`${folder}.away`, folder);
    },
    /** Kills the runner, the first time: now, or so many milliseconds later. */
    murder: (delay) => {
      if (existsSync(join(world, 'murdered'))) return;
      writeFileSync(join(world, 'murdered'), '');
      if (delay === undefined) process.kill(process.ppid, 'SIGKILL');
      else setTimeout(() => process.kill(process.ppid, 'SIGKILL'), delay);
    },
    /** Writes what the stage that it resumes has left; nothing where that is not there. */
    earlier: () =>
      earlier && appendFileSync(join(world, 'journal'), `earlier ${readFileSync(join(earlier, 'out'), 'utf8')}\n`),
    /** Counts the times that it was here, in the folder that outlives crashes. */
    checkpoint: () => appendFileSync(join(scratch, 'count'), '.'),
  };
  for (const [verb, argument] of script) await step[verb](argument);
  const said = [...Object.values(inputs), ...sources.map((source) => source.path)].map((path) =>
    readFileSync(path, 'utf8'),
  );
  const text = recipe.text ?? `${name}(${said.join(',')})`;
  writeFileSync(join(out, 'out'), text);
  const count = existsSync(join(scratch, 'count')) ? readFileSync(join(scratch, 'count'), 'utf8').length : 0;
  note('end');
  return {text, ...(count > 0 ? {count} : {})};
}
