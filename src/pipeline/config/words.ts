/** Options of datasets and learners that have two names (`core/plugin/words.ts`), in dotted paths. */
import type {Path} from '../../core/plugin/check.ts';

/** `dataset.normal_classes` → `dataset.inliers`: the path with the word of specs → the path with the recorded name. */
export type SpecWords = ReadonlyMap<string, string>;

/** A dotted path with the recorded name of its option: paths of one option are equal, however they are written. */
export function recordedPath(words: SpecWords, path: string): string {
  const [part, key, ...below] = path.split('.');
  return [words.get(`${part}.${key}`) ?? `${part}${key === undefined ? '' : `.${key}`}`, ...below].join('.');
}

/** The key under which the mapping at `path` has this option, which may be its other name; `key` where it has neither. */
export function keyIn(words: SpecWords, mapping: object, path: Path, key: string): string {
  if (path.length !== 1 || Object.hasOwn(mapping, key)) return key;
  const recorded = recordedPath(words, `${path[0]}.${key}`);
  const names = [recorded, ...[...words].flatMap(([word, name]) => (name === recorded ? [word] : []))];
  return names.map((name) => name.slice(`${path[0]}.`.length)).find((name) => Object.hasOwn(mapping, name)) ?? key;
}
