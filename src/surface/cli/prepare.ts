/** What every command that starts from a spec does first. */

import {type ReadPlan, readPlan} from '../../pipeline/config/expand.ts';
import {buildGraph} from '../../pipeline/plan/graph.ts';
import {locateSources, type Sources} from '../../pipeline/plan/sources.ts';
import type {StageNode} from '../../pipeline/stages/stage.ts';
import {builtinPlugins} from './builtin.ts';
import {dataRoots, err, type Globals, orRefuse} from './session.ts';

export interface SpecOptions {
  readonly set?: readonly string[];
  readonly seeds?: string;
  readonly normalClasses?: string;
  /** Its older name. */
  readonly inliers?: string;
}

export interface Ready extends ReadPlan {
  /** With a search: of one configuration. */
  readonly graph: readonly StageNode[];
  readonly sources: Sources;
}

/** Reads the spec and finds its data: all that can be wrong before anything runs. */
export async function prepare(
  spec: string,
  options: SpecOptions,
  globals: Globals,
  next: (ready: Ready) => Promise<number>,
): Promise<number> {
  return orRefuse(
    await read(spec, options),
    async (plan) =>
      orRefuse(
        await locateSources(plan.plan, plan.plugins, dataRoots(globals, err)),
        (sources) => next({...plan, sources, graph: buildGraph(plan.plan, plan.plugins, sources)}),
        nothing,
      ),
    nothing,
  );
}

/** What a problem of a spec means for what was asked. */
export const nothing = 'nothing was run';

/** Reads a spec or suite with the command line's changes. */
export const read = (spec: string, {set, seeds, normalClasses, inliers}: SpecOptions) =>
  readPlan(spec, {
    builtin: builtinPlugins(),
    overrides: {
      ...(set && {set}),
      ...(seeds !== undefined && {seeds}),
      ...(normalClasses !== undefined && {normalClasses}),
      ...(inliers !== undefined && {inliers}),
    },
  });
