import type {Problem} from '../failures.ts';

/** The points of a matrix share most of the file, and so most of its problems. */
export function distinct(problems: readonly Problem[]): readonly Problem[] {
  const seen = new Map<string, Problem>();
  for (const problem of problems) {
    const key = JSON.stringify([problem.message, problem.file, problem.range?.line, problem.range?.column]);
    if (!seen.has(key)) seen.set(key, problem);
  }
  const order = [...seen.values()];
  // Files in the order of the suite, and each from top to bottom.
  const files = [...new Set(order.map(({file}) => file))];
  return order.sort(
    (a, b) =>
      files.indexOf(a.file) - files.indexOf(b.file) ||
      (a.range?.line ?? 0) - (b.range?.line ?? 0) ||
      (a.range?.column ?? 0) - (b.range?.column ?? 0),
  );
}
