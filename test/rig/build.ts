import {ensureBuilt} from '../../bin/build.js';

/** Tests that start worker processes or the command run the compiled files: compile them once. */
export function setup(): void {
  ensureBuilt();
}
