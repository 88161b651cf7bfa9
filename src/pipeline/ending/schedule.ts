/** When the last of some stages ends, if each takes as long as is said. Pure. */
import {type Ordered, topological} from '../plan/order.ts';
import type {StageNode} from '../stages/stage.ts';

export interface Ahead extends Ordered {
  readonly lane: StageNode['lane'];
  /** That it still takes. */
  readonly seconds: number;
  readonly isRunning: boolean;
}

/**
 * Seconds until the end. Stages that run have a place each; the others take, wave by wave, the first free place of their lane when
 * their inputs are there. `stages`: those that have not ended; inputs from others are there already.
 */
export function secondsToEnd(stages: readonly Ahead[], places: {readonly [lane in StageNode['lane']]: number}): number {
  const ids = new Set(stages.map(({id}) => id));
  const inside = stages.map((stage) => ({
    ...stage,
    inputs: Object.fromEntries(Object.entries(stage.inputs).filter(([, input]) => ids.has(input.stage))),
  }));
  const waves = topological(inside);
  const free = {cpu: Array<number>(places.cpu).fill(0), accelerator: Array<number>(places.accelerator).fill(0)};
  const ends = new Map<string, number>();
  const take = ({id, lane, seconds}: Ahead, from: number): void => {
    const times = free[lane];
    const place = times.indexOf(Math.min(...times));
    const end = Math.max(from, times[place]!) + seconds;
    times[place] = end;
    ends.set(id, end);
  };
  for (const stage of waves) if (stage.isRunning) take(stage, 0);
  for (const stage of waves)
    if (!stage.isRunning)
      take(stage, Math.max(0, ...Object.values(stage.inputs).map((input) => ends.get(input.stage)!)));
  return Math.max(0, ...ends.values());
}
