/**
 * Parts of the axes of parallel coordinates are chosen: by dragging along an axis, or in the number inputs beside the drawing. Lines outside
 * fade, and the tables of the section and of the results have only the rows inside.
 */
import {kept} from './address.ts';
import type {LongTable} from './long-table.ts';

/** In percent from the foot of an axis. */
type Range = readonly [low: number, high: number];

const whole: Range = [0, 100];

/** `tables`: of the page; those of the same section and that of the results, as far as their rows have keys, follow the choice. `name`: in the address. */
export function brushParallel(box: HTMLElement, tables: readonly LongTable[], name: string): void {
  const drawing = box.querySelector('svg')!;
  const status = box.querySelector('[role=status]')!;
  const lines = [...box.querySelectorAll('polyline')].map((line) => ({
    line,
    units: line.dataset['units']!.split(',').map((unit) => (unit === '' ? Number.NaN : Number(unit))),
  }));
  const axes = [...drawing.querySelectorAll<SVGRectElement>('.grip')].map((grip, axis) => ({
    grip,
    part: drawing.querySelectorAll('.part')[axis]!,
    ends: [...box.querySelectorAll<HTMLInputElement>(`input[data-axis="${axis}"]`)],
  }));
  type Axis = (typeof axes)[number];
  const top = axes[0]!.grip.y.baseVal.value;
  const height = axes[0]!.grip.height.baseVal.value;
  // The last table has all rows, the best first; another before it only the first of them.
  const keyed = tables.filter(
    ({table, rows}) => box.closest('section')!.contains(table) && rows.some((row) => row.dataset['key']),
  );
  const all = keyed.at(-1);
  const results = tables.find(({table}) => table.closest('[data-results]'));
  const own = new Set(lines.map(({line}) => line.dataset['key']));
  const short = keyed.length > 1 ? {body: keyed[0]!.table.tBodies[0]!, most: keyed[0]!.rows.length} : undefined;

  const rangeOf = ({ends}: Axis): Range => [Number(ends[0]!.value), Number(ends[1]!.value)];
  const isWhole = ([low, high]: Range): boolean => low <= 0 && high >= 100;

  const choose = (): void => {
    const ranges = axes.map(rangeOf);
    // A line that does not cross an axis is inside only while the whole axis is chosen.
    const isInside = (units: readonly number[]): boolean =>
      ranges.every(
        (range, axis) => isWhole(range) || (100 * units[axis]! >= range[0] && 100 * units[axis]! <= range[1]),
      );
    for (const [axis, [low, high]] of ranges.entries()) {
      const drawn = !isWhole(ranges[axis]!) && high > low;
      axes[axis]!.part.setAttribute('y', String(top + height * (1 - high / 100)));
      axes[axis]!.part.setAttribute('height', String(drawn ? (height * (high - low)) / 100 : 0));
    }
    const inside = new Set(lines.filter(({units}) => isInside(units)).map(({line}) => line));
    for (const {line} of lines) line.classList.toggle('out', !inside.has(line));
    const keys = new Set([...inside].map((line) => line.dataset['key']));
    const test = (row: HTMLTableRowElement): boolean => keys.has(row.dataset['key']) || !own.has(row.dataset['key']);
    // Rows of another box's configurations, and of what is no configuration, stay.
    for (const table of [all, results]) table?.filter(name, ranges.every(isWhole) ? undefined : test);
    short?.body.replaceChildren(
      ...all!
        .chosen()
        .slice(0, short.most)
        .map((row) => row.cloneNode(true)),
    );
    status.textContent = `${inside.size} of ${lines.length} configurations`;
  };
  const note = kept(name, (value) => {
    const ranges = value.split('_').map((text) => text.split('-').map(Number));
    for (const [at, {ends}] of axes.entries())
      for (const [i, end] of ends.entries()) end.value = String(ranges[at]?.[i] ?? whole[i]);
    choose();
  });
  const chosen = (): void => {
    choose();
    const ranges = axes.map(rangeOf);
    note(ranges.every(isWhole) ? '' : ranges.map((range) => range.join('-')).join('_'));
  };
  const set = ({ends}: Axis, range: Range): void => {
    for (const [i, end] of ends.entries()) end.value = String(range[i]);
    chosen();
  };
  const percentAt = ({clientX, clientY}: PointerEvent): number => {
    const {y} = new DOMPoint(clientX, clientY).matrixTransform(drawing.getScreenCTM()!.inverse());
    return Math.round(100 * Math.min(1, Math.max(0, 1 - (y - top) / height)));
  };
  for (const axis of axes)
    axis.grip.addEventListener('pointerdown', (down) => {
      if (down.button !== 0) return;
      const [from, moves] = [percentAt(down), new AbortController()];
      let isDrag = false;
      axis.grip.setPointerCapture(down.pointerId);
      axis.grip.addEventListener(
        'pointermove',
        (move) => {
          isDrag ||= Math.abs(move.clientY - down.clientY) > 3;
          const to = percentAt(move);
          if (isDrag) set(axis, [Math.min(from, to), Math.max(from, to)]);
        },
        {signal: moves.signal},
      );
      axis.grip.addEventListener(
        'lostpointercapture',
        () => {
          moves.abort();
          if (!isDrag) set(axis, whole);
        },
        {once: true},
      );
    });
  box.querySelector('fieldset')!.hidden = false;
  box.classList.add('live');
  box.addEventListener('input', chosen);
}
