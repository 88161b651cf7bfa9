/** The space of a search: its parameters, its points, and points as coordinates in [0, 1]. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import {type Domain, fromUnit, levels, toUnit, valueAt} from './domain.ts';

export interface Parameter {
  /** As written: `learner.batch`, or several paths that vary together: `learner.epochs, learner.batch`. */
  readonly name: string;
  readonly paths: readonly string[];
  readonly domain: Domain;
  /** All must hold for it to exist. */
  readonly when: readonly Condition[];
}

/** Another parameter's value. */
export interface Condition {
  /** A path of the other parameter, and the keys that lead into its value. */
  readonly path: string;
  readonly inside: readonly string[];
  /** The values with which it holds, as canonical JSON. */
  readonly values: ReadonlySet<string>;
}

export interface Space {
  /** Those that others depend on are before them. */
  readonly parameters: readonly Parameter[];
}

/** A configuration: the value at each path, of the parameters that exist in it, in the order of the space. */
export interface Point {
  readonly [path: string]: Json;
}

/** Whether it varies only what comes after the features: the same training serves all of its values. */
export const isOfStageTwo = ({paths}: Pick<Parameter, 'paths'>): boolean => paths.every(comesAfter);

const comesAfter = (path: string): boolean => path === 'classifiers' || path.startsWith('classifiers.');

/** The parameters of the trainings. */
export const ofTraining = ({parameters}: Space): Space => ({
  parameters: parameters.filter((parameter) => !isOfStageTwo(parameter)),
});

/** The parameters of stage two that exist under a training with this point; what their conditions say of the training is decided. */
export function ofStageTwo({parameters}: Space, training: Point): Space {
  const isInside = ({path}: Condition): boolean => comesAfter(path);
  return {
    parameters: parameters.filter(isOfStageTwo).flatMap((parameter) => {
      const outer = {...parameter, when: parameter.when.filter((one) => !isInside(one))};
      return exists(outer, training) ? [{...parameter, when: parameter.when.filter(isInside)}] : [];
    }),
  };
}

const keys = new WeakMap<Point, string>();

/** What makes two points the same configuration. Kept: every proposal asks for those of all trials. */
export function keyOf(point: Point): string {
  const key = keys.get(point) ?? canonicalJson(point);
  keys.set(point, key);
  return key;
}

/** Whether a parameter exists where those before it have these values. */
export const exists = (parameter: Parameter, point: Point): boolean =>
  parameter.when.every(({path, inside, values}) => {
    const value = Object.hasOwn(point, path) ? valueInside(point[path]!, inside) : undefined;
    return value !== undefined && values.has(canonicalJson(value));
  });

/** The value under these keys. A plug-in may be written as its name alone: `kde` has the type `kde`. */
export function valueInside(value: Json, keys: readonly string[]): Json | undefined {
  let at: Json | undefined = value;
  for (const [i, key] of keys.entries()) {
    if (typeof at === 'string' && key === 'type' && i === keys.length - 1) return at;
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as {readonly [key: string]: Json | undefined})[key];
  }
  return at;
}

/** The value of each path that a parameter's value means. */
function lay(point: {[path: string]: Json}, {paths}: Parameter, value: Json): void {
  for (const [k, path] of paths.entries()) point[path] = paths.length === 1 ? value : (value as readonly Json[])[k]!;
}

/** The point at the coordinates that `unitOf` gives, in [0, 1]; it is asked for those parameters that exist, in their order. */
export function compose({parameters}: Space, unitOf: (parameter: number) => number): Point {
  const point: {[path: string]: Json} = {};
  for (const [i, parameter] of parameters.entries())
    if (exists(parameter, point)) lay(point, parameter, fromUnit(parameter.domain, unitOf(i)));
  return point;
}

/** The point at these coordinates in [0, 1], one for each parameter; those of parameters that do not exist are not read. */
export const decode = (space: Space, units: ArrayLike<number>): Point => compose(space, (i) => units[i]!);

/**
 * Its coordinates in [0, 1]; NaN for a parameter that does not exist in it, or has a value that the space does not have (any
 * more).
 */
export function encode({parameters}: Space, point: Point): Float64Array {
  return Float64Array.from(parameters, ({paths, domain}) => {
    if (!paths.every((path) => Object.hasOwn(point, path))) return Number.NaN;
    const values = paths.map((path) => point[path]!);
    return toUnit(domain, paths.length === 1 ? values[0]! : values);
  });
}

/**
 * All points, the first parameter varying slowest. Of a continuous parameter every point has one value, at the unit that
 * `unitOf` draws.
 */
export function* pointsOf({parameters}: Space, unitOf: () => number): Generator<Point> {
  function* from(i: number, start: Point): Generator<Point> {
    const parameter = parameters[i];
    if (!parameter) yield start;
    else if (!exists(parameter, start)) yield* from(i + 1, start);
    else
      for (const value of valuesOf(parameter.domain, unitOf)) {
        const point = {...start};
        lay(point, parameter, value);
        yield* from(i + 1, point);
      }
  }
  yield* from(0, {});
}

function* valuesOf(domain: Domain, unitOf: () => number): Generator<Json> {
  const count = levels(domain);
  if (count === undefined) yield fromUnit(domain, unitOf());
  else for (let level = 0; level < count; level++) yield valueAt(domain, level);
}
