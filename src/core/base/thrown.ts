/** What was thrown, in words: JavaScript throws anything, and code of users does. */
import {inspect, types} from 'node:util';

/** Also of another realm, such as that of a thread. */
export const isError = (thrown: unknown): thrown is Error => thrown instanceof Error || types.isNativeError(thrown);

/** The message of an error, its name where that is empty; of anything else, that it was thrown. One sentence without its full stop. */
export function messageOf(thrown: unknown): string {
  if (isError(thrown)) return thrown.message || thrown.name || 'an error without a message';
  const shown = inspect(thrown, {depth: 1, breakLength: Number.POSITIVE_INFINITY});
  return `${shown.length > 200 ? `${shown.slice(0, 200)}…` : shown} was thrown, which is not an Error`;
}
