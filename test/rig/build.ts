import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {ProvidedContext} from 'vitest';
import type {TestProject} from 'vitest/node';
import {ensureBuilt} from '../../bin/build.js';
import type {ResolvedEngine} from '../../src/core/engine/contract.ts';
import {type EngineName, engineNames} from '../../src/core/engine/engines.ts';
import {resolveEngine} from '../../src/core/engine/install/resolve.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The engines of this machine: what `startEngine` takes, or why it is not there. */
    engines: Readonly<Record<EngineName, ResolvedEngine | string>>;
  }
}

/** All temporary folders of the tests lie in it: those that a killed process left, too, end with the run. */
let temporary: string | undefined;

export function teardown(): void {
  // What a test has killed may still write.
  if (temporary !== undefined) rmSync(temporary, {recursive: true, force: true, maxRetries: 20, retryDelay: 100});
  temporary = undefined;
}

/**
 * Tests that start worker processes or the command run the compiled files: compile them once. And look once which
 * engines are here: asking a GPU takes a while.
 */
export async function setup(project: TestProject): Promise<void> {
  ensureBuilt();
  temporary ??= mkdtempSync(join(tmpdir(), 'tests-'));
  process.env['TMPDIR'] = temporary;
  const found = engineNames.map(async (name) => {
    const engine = await resolveEngine(name, {provision: false}).catch((error: Error) => error.message);
    return [name, engine] as const;
  });
  project.provide('engines', Object.fromEntries(await Promise.all(found)) as ProvidedContext['engines']);
}
