/** `stage`: what a job of a cluster runs; users never call it. */
import {cpus, hostname} from 'node:os';
import {resolveEngine} from '../../core/engine/install/resolve.ts';
import {runElement} from '../../pipeline/cluster/element.ts';
import {plainReporter} from '../live/plain.ts';
import {builtinPlugins} from './builtin.ts';
import {exitCodes} from './exit-codes.ts';
import {stepReporter} from './progress.ts';
import {packageVersion} from './session.ts';

export async function stage(folder: string, index: number): Promise<number> {
  const controller = new AbortController();
  // SIGUSR1: its time is almost over; SIGTERM: it was cancelled, preempted or requeued.
  for (const signal of ['SIGUSR1', 'SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      process.stdout.write(`${signal}: the stages write their checkpoints and end.\n`);
      controller.abort();
    });
  const {SLURMD_NODENAME, SLURM_ARRAY_JOB_ID, SLURM_ARRAY_TASK_ID, SLURM_JOB_PARTITION} = process.env;
  const outcome = await runElement({
    folder,
    index,
    where: {
      node: SLURMD_NODENAME ?? hostname(),
      job: `${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}`,
      ...(SLURM_JOB_PARTITION !== undefined && {partition: SLURM_JOB_PARTITION}),
    },
    modules: builtinPlugins().modules,
    provenance: {
      version: packageVersion(),
      node: process.versions.node,
      host: hostname(),
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
    },
    signal: controller.signal,
    listener: plainReporter(process.stdout).event,
    engine: ({choice, threads}, note) =>
      resolveEngine(choice, {provision: true, threads, signal: controller.signal, report: stepReporter(note)}),
  });
  return outcome === 'failed' ? exitCodes.failed : exitCodes.done;
}
