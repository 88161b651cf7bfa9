/** Reads a spec of so many tasks and makes its graph; prints seconds, the loading of the code among them, and the process's peak memory. */
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'pipeline-bench-'));
const began = performance.now();
const {manyTasks, tasksASeed} = await import('../many-tasks.js');
const {plan, graph} = await manyTasks(folder, Number(process.argv[2]) / tasksASeed);
const seconds = (performance.now() - began) / 1000;
rmSync(folder, {recursive: true});
const megabytes = process.resourceUsage().maxRSS / 1024;
console.log(JSON.stringify({tasks: plan.tasks.length, stages: graph.length, seconds, megabytes}));
