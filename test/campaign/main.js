/**
 * `npm run campaign -- --seed 1 --minutes 10`: disturbs runs and stores in every way that we can think of, and counts what the
 * ordinary commands do not put right by themselves. `--trial N` repeats one alone; `--kinds plan,events` draws these faults alone;
 * `--from N` begins with that trial; `--hosts 2` makes two at a time. `--cluster` starts a Slurm, and disturbs runs on it.
 */
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {slurmMissing} from '../rig/slurm.js';
import {campaign, tableOf} from './campaign.js';

const {values} = parseArgs({
  options: {
    seed: {type: 'string', default: '1'},
    minutes: {type: 'string', default: '10'},
    trial: {type: 'string'},
    from: {type: 'string', default: '0'},
    hosts: {type: 'string', default: '1'},
    kinds: {type: 'string', default: ''},
    cluster: {type: 'boolean', default: false},
  },
});
if (values.cluster && slurmMissing) throw new Error(`there can be no cluster here: ${slurmMissing}`);
const folder = mkdtempSync(join(tmpdir(), 'campaign-'));
try {
  const only = values.trial === undefined ? undefined : Number(values.trial);
  const tally = await campaign({
    folder,
    seed: Number(values.seed),
    seconds: 60 * Number(values.minutes),
    first: only ?? Number(values.from),
    most: only === undefined ? Number.POSITIVE_INFINITY : 1,
    hosts: Number(values.hosts),
    onCluster: values.cluster,
    kinds: values.kinds.split(',').filter((kind) => kind !== ''),
    say: (line) => process.stdout.write(`${line}\n`),
  });
  process.stdout.write(`${tableOf(tally)}\n`);
  process.exitCode = tally.failed.length > 0 ? 1 : 0;
} finally {
  rmSync(folder, {recursive: true, force: true});
}
