/**
 * A runner as a process of its own, to be killed: `node runner.js <world> <file with the graph>`. Prints its events, one a
 * line. Plain JavaScript over the compiled sources, as it is started without vitest.
 */
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {emitter} from '../../dist/pipeline/events.js';
import {execute} from '../../dist/pipeline/execute/executor.js';
import {openCache} from '../../dist/pipeline/store/cache/cache.js';
import {openFileDigests} from '../../dist/pipeline/store/sources.js';

const [world, graph] = process.argv.slice(2);
const controller = new AbortController();
process.on('SIGINT', () => controller.abort());
const print = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const emit = emitter([print]);
const root = join(world, 'cache');

const {outcome} = await execute({
  run: 'run',
  plan: {name: 'test', tasks: []},
  graph: JSON.parse(readFileSync(graph, 'utf8')),
  plugins: {modules: []},
  cache: openCache(root, {warn: (message) => emit({type: 'warning', message})}),
  digests: openFileDigests(root),
  engine: () => Promise.reject(new Error('no test wants one')),
  cores: 2,
  signal: controller.signal,
  emit,
  stages: new URL('./fake-stages.js', import.meta.url),
});
process.exitCode = outcome === 'done' ? 0 : 1;
