/**
 * DuckDB. By require, because it is CommonJS of two hundred files that pass on each other's exports: `import` would read them all
 * through for their names first, which takes as long as everything else that an up-to-date run does.
 */
import {createRequire} from 'node:module';

export const duckdb = createRequire(import.meta.url)('@duckdb/node-api') as typeof import('@duckdb/node-api');
