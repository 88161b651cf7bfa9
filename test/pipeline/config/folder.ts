import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {onTestFinished} from 'vitest';
import {type ReadPlan, readPlan} from '../../../src/pipeline/config/expand.ts';
import type {Overrides} from '../../../src/pipeline/config/overrides.ts';
import {renderProblems} from '../../../src/surface/live/diagnostic.ts';
import {fakePlugins} from '../../rig/fake-plugins.ts';

/** A folder of files for one test: name → text or bytes. */
export function folder(files: {readonly [name: string]: string | Uint8Array}): string {
  const path = mkdtempSync(join(tmpdir(), 'pipeline-spec-'));
  onTestFinished(() => rmSync(path, {recursive: true}));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), {recursive: true});
    writeFileSync(join(path, name), content);
  }
  return path;
}

/** What the user sees of a file that must not run; the folder's own name is left out. */
export async function screen(
  files: {readonly [name: string]: string | Uint8Array} | string | Uint8Array,
  overrides: Overrides = {},
  file = 'a.yaml',
): Promise<string> {
  const path = folder(typeof files === 'string' || files instanceof Uint8Array ? {'a.yaml': files} : files);
  const read = await readPlan(join(path, file), {builtin: fakePlugins(), overrides});
  if (read.ok) throw new Error(`expected problems, but ${read.value.plan.tasks.length} tasks would run`);
  return renderProblems(read.failures, {colour: false, so: 'nothing was run'})
    .replaceAll(`${path}/`, '')
    .replaceAll(path, '.');
}

/** The plan of files that must run. */
export async function plan(
  files: {readonly [name: string]: string} | string,
  overrides: Overrides = {},
  file = 'a.yaml',
): Promise<ReadPlan> {
  const path = folder(typeof files === 'string' ? {'a.yaml': files} : files);
  const read = await readPlan(join(path, file), {builtin: fakePlugins(), overrides});
  if (!read.ok) throw new Error(renderProblems(read.failures, {colour: false}));
  return read.value;
}

/** The least that runs. */
export const least = `dataset: {type: pets, inliers: [cat]}
learner: untrained
classifiers: [kde]
`;
