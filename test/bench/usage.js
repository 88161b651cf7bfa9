/** Loaded before a command: as the command ends, writes what it has used, without its workers, into the file PIPELINE_BENCH_USAGE. */
import {writeFileSync} from 'node:fs';

if (process.argv[1].endsWith('pipeline.js'))
  process.once('exit', () => writeFileSync(process.env.PIPELINE_BENCH_USAGE, JSON.stringify(process.resourceUsage())));
