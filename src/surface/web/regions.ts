import type {Markup} from '../html.ts';

/** Parts of a page by the `id` of their element: what changes while a run goes on. */
export type Regions = ReadonlyMap<string, Markup>;
