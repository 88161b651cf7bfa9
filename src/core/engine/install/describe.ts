/** All engines, as `pipeline doctor` lists them. */
import {defaultThreads} from '../contract.ts';
import type {EngineDescription} from '../definition.ts';
import {engineNames, engines} from '../engines.ts';

/** What each engine would run on, what is missing and how to get it. What `auto` takes comes first. */
export async function describeEngines(
  env: NodeJS.ProcessEnv = process.env,
  threads: number = defaultThreads,
): Promise<readonly EngineDescription[]> {
  return await Promise.all(
    engineNames.map(async (name) => {
      const engine = engines[name];
      const own = engine.threaded ? threads : 1;
      return {name, threads: own, ...(await engine.describe(env, own))};
    }),
  );
}
