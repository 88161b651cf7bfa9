import {expect, test} from 'vitest';
import {slurmEnvironment} from '../../../src/pipeline/cluster/environment.ts';

const own = {
  PATH: '/bin',
  SLURM_CONF: '/etc/slurm.conf',
  SBATCH_PARTITION: 'gpu',
  SBATCH_ACCOUNT: 'vision',
  SBATCH_TIMELIMIT: '1',
  SBATCH_ARRAY_INX: '0-3',
  SBATCH_WAIT: '1',
  SQUEUE_PARTITION: 'gpu',
  SCANCEL_INTERACTIVE: '1',
};

test('no variable of a user overrides a script, makes sbatch wait, or hides jobs', () => {
  const script = '#!/bin/bash\n#SBATCH --partition=cpu\n#SBATCH --time=60\n';
  expect(slurmEnvironment(own, script)).toEqual({
    PATH: '/bin',
    SLURM_CONF: '/etc/slurm.conf',
    SBATCH_ACCOUNT: 'vision', // of which the script says nothing
  });
});

test('squeue and scancel get none of them', () => {
  expect(slurmEnvironment(own)).toEqual({PATH: '/bin', SLURM_CONF: '/etc/slurm.conf'});
});
