/** Dots that would lie on each other, beside each other. */

/** In pixels. `of`: indices of the dots that it stands for, more than one where there is no room for all. */
export interface Placed {
  readonly x: number;
  readonly y: number;
  readonly of: readonly number[];
}

/**
 * Each dot keeps its y, and is moved along x as little as possible, at most by `room`, until it is `gap` away from those before it; one that finds no place
 * joins the nearest of its column.
 */
export function swarm(
  dots: readonly {readonly x: number; readonly y: number}[],
  gap: number,
  room: number,
): readonly Placed[] {
  const placed: {x: number; y: number; column: number; of: number[]}[] = [];
  const order = [...dots.keys()].toSorted((a, b) => dots[a]!.x - dots[b]!.x || dots[a]!.y - dots[b]!.y);
  for (const at of order) {
    const {x, y} = dots[at]!;
    const near = placed.filter((one) => Math.abs(one.y - y) < gap && Math.abs(one.x - x) < room + gap);
    const steps = Math.floor((2 * room) / gap);
    const place = Array.from({length: 2 * steps + 1}, (_, i) => (i % 2 === 0 ? -1 : 1) * Math.ceil(i / 2) * (gap / 2))
      .map((offset) => x + offset)
      .find(
        (wanted) => Math.abs(wanted - x) <= room && near.every((one) => Math.hypot(one.x - wanted, one.y - y) >= gap),
      );
    if (place !== undefined) {
      placed.push({x: place, y, column: x, of: [at]});
      continue;
    }
    const own = near.filter(({column}) => column === x);
    const among = own.length > 0 ? own : near;
    among.reduce((a, b) => (Math.hypot(b.x - x, b.y - y) < Math.hypot(a.x - x, a.y - y) ? b : a)).of.push(at);
  }
  return placed;
}
