/** What tests of exported models compare: files that the stages of a run left, and numbers. */
import {expect} from 'vitest';
import type {RunEvent} from '../../src/pipeline/events.ts';
import type {Project} from './command.ts';

/** Finds a file of the stage whose label begins so. */
export const filesOf =
  (project: Project, events: readonly RunEvent[]) =>
  (label: string, file: string): string => {
    const stage = events.find((event) => event.type === 'stage-finished' && event.label.startsWith(label));
    if (stage?.type !== 'stage-finished') throw new Error(`no stage ${label}`);
    return project.path('runs', 'cache', stage.fingerprint.slice(0, 2), stage.fingerprint, file);
  };

/** Of the range of what is wanted. */
export function expectNear(got: ArrayLike<number>, wanted: ArrayLike<number>): void {
  const all = Array.from(wanted);
  const range = Math.max(...all) - Math.min(...all);
  expect(got.length).toBe(all.length);
  expect(range).toBeGreaterThan(0);
  expect(Math.max(...all.map((value, i) => Math.abs(value - got[i]!))) / range).toBeLessThan(1e-4);
}
