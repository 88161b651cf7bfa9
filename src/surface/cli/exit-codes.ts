/** Exit statuses, as `--help` prints them. */
export const exitCodes = {done: 0, failed: 1, wrongInput: 2, interrupted: 130} as const;
