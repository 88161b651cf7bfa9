import type {Lock} from '../../src/core/base/lock.ts';

/** A holder whom nobody disturbs, for tests in which locks do not matter. */
export const holder: Lock = {fence: 1, lost: new AbortController().signal, renew: () => true, release() {}};
