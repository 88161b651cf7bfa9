/** Expected failures are values; exceptions are our bugs. */
export type Result<T, F> =
  | {readonly ok: true; readonly value: T}
  | {readonly ok: false; readonly failures: readonly F[]};

export const succeed = <T>(value: T): {readonly ok: true; readonly value: T} => ({ok: true, value});

export const fail = <F>(...failures: readonly F[]): {readonly ok: false; readonly failures: readonly F[]} => ({
  ok: false,
  failures,
});

/** States a condition that must hold. If it does not, the program is wrong, not its user. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Internal error: ${message}. Please report it with the command you ran.`);
}

/** Makes a switch exhaustive: after a new member is added to the union, the code compiles only when every reader handles it. */
export function unreachable(value: never): never {
  throw new Error(`Internal error: unexpected ${JSON.stringify(value)}`);
}
