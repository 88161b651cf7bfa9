#!/usr/bin/env node
import module from 'node:module';
import {ensureBuilt} from './build.js';

module.enableCompileCache?.(); // Node 22 and newer
const {main} = await loaded();
await main();

async function loaded() {
  try {
    ensureBuilt();
    return await import('../dist/surface/cli/main.js');
  } catch (error) {
    if (error.code !== 'EMFILE') throw error;
    // What says it otherwise (`src/core/base/system-error.ts`) can't be loaded.
    process.stderr.write('pipeline: too many files are open at once\n   Raise the limit: ulimit -n 4096.\n');
    process.exit(1);
  }
}
