/** A value over two parameters, as cells with numbers. */
import {html, type Markup} from '../html.ts';
import {tableHtml} from '../tables/table-html.ts';
import {type ChartSpec, draw} from './chart.ts';
import {figure} from './figure.ts';

export interface Side {
  readonly name: string;
  /** All different. */
  readonly values: readonly string[];
}

export interface HeatMap {
  /** What its numbers are. */
  readonly what: string;
  readonly sides: readonly [Side, Side];
  /** null: nothing has both values. */
  readonly value: (first: number, second: number) => number | null;
  readonly text: (value: number) => string;
}

/** The side with more values goes down. */
export async function heatMapFigure(map: HeatMap): Promise<Markup> {
  const [first, second] = map.sides;
  const isTurned = first.values.length > second.values.length;
  const [down, across] = isTurned ? [first, second] : [second, first];
  const at = (row: number, column: number): number | null =>
    isTurned ? map.value(row, column) : map.value(column, row);
  const cells = down.values.flatMap((row, r) =>
    across.values.flatMap((column, c) => {
      const value = at(r, c);
      if (value === null) return [];
      return [
        {
          row,
          column,
          value,
          text: map.text(value),
          about: `${down.name} ${row}, ${across.name} ${column}: ${map.text(value)}`,
        },
      ];
    }),
  );
  const values = cells.map(({value}) => value);
  const middle = (Math.min(...values) + Math.max(...values)) / 2;
  const longest = Math.max(...across.values.map((value) => value.length), ...cells.map(({text}) => text.length));
  const axis = {labelLimit: 0, labelAngle: 0, labelOverlap: false};
  const spec = {
    width: {step: Math.max(44, 7 * longest + 10)},
    height: {step: 24},
    data: {values: cells},
    encoding: {
      x: {
        field: 'column',
        type: 'ordinal',
        title: across.name,
        sort: [...across.values],
        axis: {...axis, orient: 'top'},
      },
      y: {field: 'row', type: 'ordinal', title: down.name, sort: [...down.values], axis},
    },
    layer: [
      {
        mark: {type: 'rect', aria: true},
        encoding: {
          color: {field: 'value', type: 'quantitative', scale: {scheme: 'blues', zero: false}, legend: null},
          description: {field: 'about'},
        },
      },
      {
        mark: {type: 'text'},
        encoding: {
          text: {field: 'text'},
          color: {condition: {test: `datum.value > ${middle}`, value: '#ffffff'}, value: '#1a1f25'},
        },
      },
    ],
  } as ChartSpec;
  const top = cells.reduce((a, b) => (b.value > a.value ? b : a));
  const about = `${map.what} over ${down.name} and ${across.name}; the highest: ${top.about}`;
  const numbers = tableHtml(
    {
      columns: [
        {name: `${down.name} \\ ${across.name}`, align: 'left'},
        ...across.values.map((name) => ({name, align: 'right' as const})),
      ],
      rows: down.values.map((row, r) => [
        row,
        ...across.values.map((_, c) => {
          const value = at(r, c);
          return value === null ? '–' : map.text(value);
        }),
      ]),
      lead: 1,
    },
    {caption: map.what},
  );
  return figure(html`${await draw(spec, about)}`, {
    title: `${first.name} × ${second.name}`,
    note: map.what,
    numbers,
    wide: across.values.length > 9,
  });
}
