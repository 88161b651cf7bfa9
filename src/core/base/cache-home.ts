import {homedir} from 'node:os';
import {join} from 'node:path';

/** The folder of files that belong to the machine and not to a run. */
export const cacheHome = (env: NodeJS.ProcessEnv): string =>
  env['PIPELINE_CACHE_HOME'] || join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'pipeline');
