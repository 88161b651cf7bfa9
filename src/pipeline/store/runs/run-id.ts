/** Ids of runs: `20261124-031500.123-quickstart-ab12`, the time in UTC, what of the name can be in one, and four digits that tell apart. */

export const runId = /^\d{8}-\d{6}(\.\d{3})?-.*[0-9a-f]{4}$/;

/** What of a spec's name is in the ids of its runs. */
export const slugOf = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);

/** The name in an id, as `slugOf` gives it. */
export const nameIn = (id: string): string => id.replace(/^\d{8}-\d{6}(\.\d{3})?-/, '').replace(/-?[0-9a-f]{4}$/, '');

/** When a run began, by its id (ISO 8601, UTC). */
export const startOf = (id: string): string | undefined =>
  /^\d{8}-\d{6}\.\d{3}-/.test(id)
    ? id.replace(/^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d\.\d{3})-.*$/, '$1-$2-$3T$4:$5:$6Z')
    : undefined;
