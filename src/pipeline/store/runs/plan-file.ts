/**
 * `plan.json`: what a run was asked to do. It has the SHA-256 of its own content (`self`). A plan that was edited or damaged is
 * refused, because numbers would appear under settings that they were not computed with.
 */
import {join} from 'node:path';
import {type Json, sha256} from '../../../core/base/canonical.ts';
import {codeOf, readText} from '../../../core/base/files.ts';
import {fail, type Result, succeed} from '../../../core/base/result.ts';
import {systemProblem} from '../../../core/base/system-error.ts';
import type {Task} from '../../config/spec.ts';
import type {Problem} from '../../failures.ts';
import type {RecordedStage, StageNode} from '../../stages/stage.ts';
import {isFields, isPlan} from './shape.ts';

export interface PlanFile {
  readonly name: string;
  readonly tasks: readonly Task[];
  readonly stages: readonly StageNode[];
  /** Modules of the user's own plug-ins; absent if there are none. */
  readonly plugins?: readonly string[];
  /** The search that the run makes (`search/record.ts`); its tasks and stages come while it goes on. */
  readonly search?: Json;
}

export function planText(plan: Omit<PlanFile, 'stages'> & {readonly stages: readonly RecordedStage[]}): string {
  const content = {format: 1, ...plan};
  return `${JSON.stringify({...content, self: sha256(JSON.stringify(content))}, undefined, 2)}\n`;
}

/** The plan in a run's folder, or why it is missing or refused. */
export function readPlanFile(folder: string): Result<PlanFile, Problem> {
  const file = join(folder, 'plan.json');
  const broken = (message: string) =>
    fail<Problem>({
      message,
      file,
      hint: 'The run is damaged. Run its spec again: what the cache still has is not computed again.',
    });
  let value: unknown;
  try {
    value = JSON.parse(readText(file));
  } catch (error) {
    if (error instanceof SyntaxError) return broken(`plan.json is not JSON: ${error.message}`);
    if (codeOf(error) === 'ENOENT')
      return broken('plan.json is not there: the run was ended as it began, or the file was removed');
    return broken(systemProblem(error)?.message ?? `plan.json cannot be read: ${(error as Error).message}`);
  }
  if (!isPlan(value)) return broken('plan.json does not have the expected content');
  const {self, ...content} = value as {readonly self?: unknown};
  // Plans of older versions have no digest.
  if (self !== undefined && self !== sha256(JSON.stringify(content)))
    return broken('plan.json is not as the run wrote it: it was edited or damaged');
  return succeed(content as unknown as PlanFile);
}

/** Reads `environment.json`. It is only provenance: without it, or if it can't be read, the run still has its numbers. */
export function readEnvironment<T>(folder: string): T | undefined {
  try {
    const value: unknown = JSON.parse(readText(join(folder, 'environment.json')));
    return isFields(value) ? (value as T) : undefined;
  } catch {
    return undefined;
  }
}
