import type {TestProject} from 'vitest/node';
import {ensureBuilt} from '../../bin/build.js';
import {findAdapter} from '../../src/core/engine/webgpu/webgpu.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Why the webgpu engine is not tested here; undefined: it is. */
    noWebgpu: string | undefined;
  }
}

/**
 * Tests that start worker processes or the command run the compiled files: compile them once. And look once whether a GPU
 * answers.
 */
export async function setup(project: TestProject): Promise<void> {
  ensureBuilt();
  const noWebgpu = await findAdapter().then(
    () => undefined,
    (error: Error) => error.message,
  );
  project.provide('noWebgpu', noWebgpu);
}
