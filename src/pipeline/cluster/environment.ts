/** The environment of Slurm's commands. Pure. */

/** Variables of sbatch that say whose a job is and where it goes: they hold where the site file says nothing. */
const defaults: {readonly [variable: string]: string} = {
  SBATCH_ACCOUNT: '--account',
  SBATCH_CONSTRAINT: '--constraint',
  SBATCH_EXPORT: '--export',
  SBATCH_PARTITION: '--partition',
  SBATCH_QOS: '--qos',
  SBATCH_RESERVATION: '--reservation',
  SBATCH_TIMELIMIT: '--time',
};

/**
 * Without the defaults that a user has set for these commands: a variable would override what a script says, make `sbatch` wait for the end
 * of a job, or `squeue` leave jobs out, which would then count as lost. `script`: what is submitted.
 */
export function slurmEnvironment(own: NodeJS.ProcessEnv, script = ''): NodeJS.ProcessEnv {
  const isKept = (name: string): boolean => {
    const option = defaults[name];
    return option === undefined
      ? !/^(SBATCH|SQUEUE|SCANCEL|SCONTROL)_/.test(name)
      : script !== '' && !new RegExp(`^#SBATCH ${option}\\b`, 'm').test(script);
  };
  return Object.fromEntries(Object.entries(own).filter(([name]) => isKept(name)));
}
