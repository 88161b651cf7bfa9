#!/usr/bin/env node
import module from 'node:module';
import {ensureBuilt} from './build.js';

module.enableCompileCache?.(); // Node 22 and newer
ensureBuilt();
const {main} = await import('../dist/surface/cli/main.js');
await main();
