import type {Issue, Path} from '../../../core/plugin/check.ts';
import {levels} from '../domain.ts';
import {keyOf, type Point, pointsOf, type Space} from '../space.ts';
import type {Propose} from './proposer.ts';

/** Every combination, in the order of the space: the first parameter varies slowest. `gridIssues` must have found nothing. */
export function grid(space: Space): Propose {
  const points: Point[] = [];
  const rest = pointsOf(space, () => 0);
  const at = (n: number) => {
    while (points.length <= n) {
      const {done, value} = rest.next();
      if (done) return undefined;
      points.push(value);
    }
    return points[n];
  };
  return (n, known) => {
    const keys = new Set(known.map(({point}) => keyOf(point)));
    // Known under another number, as after a change of the method: the next one that is not.
    for (let i = n; ; i++) {
      const point = at(i);
      if (!point) return points.slice(0, n).find((one) => n < points.length && !keys.has(keyOf(one)));
      if (!keys.has(keyOf(point))) return point;
    }
  };
}

/** A parameter without levels has no grid. `path`: of the space in the spec. */
export const gridIssues = ({parameters}: Space, path: Path): readonly Issue[] =>
  parameters
    .filter(({domain}) => levels(domain) === undefined)
    .map(({name}) => ({
      path: [...path, name],
      at: 'key',
      message: `"${name}" is continuous, and a grid needs levels`,
      hint: 'Add "step", list its values, or choose another method.',
    }));
