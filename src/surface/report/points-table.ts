/** The points of a map as a table: of many some, evenly, and it says so. */
import type {Markup} from '../html.ts';
import {tableHtml} from '../tables/table-html.ts';

const mostRows = 20;

/** `about`: columns beside the place, by name what they say of a point. */
export function pointsTable(
  points: readonly (readonly [x: number, y: number])[],
  ...about: readonly (readonly [name: string, text: (point: number) => string])[]
): Markup {
  const step = Math.max(1, Math.ceil(points.length / mostRows));
  const shown = [...points.keys()].filter((at) => at % step === 0);
  return tableHtml(
    {
      columns: [
        ...about.map(([name]) => ({name, align: 'left' as const})),
        {name: 'x', align: 'right'},
        {name: 'y', align: 'right'},
      ],
      rows: shown.map((at) => [...about.map(([, text]) => text(at)), ...points[at]!.map((value) => value.toFixed(3))]),
      lead: about.length,
    },
    {
      caption: step === 1 ? 'Where the points are' : `Where ${shown.length} of the ${points.length} points are`,
      sortable: true,
    },
  );
}
