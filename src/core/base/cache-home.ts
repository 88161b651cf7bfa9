import {homedir} from 'node:os';
import {join} from 'node:path';

/** Where what belongs to the machine is kept, not to a run. */
export const cacheHome = (env: NodeJS.ProcessEnv): string =>
  env['PIPELINE_CACHE_HOME'] || join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'pipeline');
