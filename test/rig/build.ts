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

/**
 * Tests that start worker processes or the command run the compiled files: compile them once. And look once which
 * engines are here: asking a GPU takes a while.
 */
export async function setup(project: TestProject): Promise<void> {
  ensureBuilt();
  const found = engineNames.map(async (name) => {
    const engine = await resolveEngine(name, {provision: false}).catch((error: Error) => error.message);
    return [name, engine] as const;
  });
  project.provide('engines', Object.fromEntries(await Promise.all(found)) as ProvidedContext['engines']);
}
