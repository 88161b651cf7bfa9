/**
 * Parts of the axes of parallel coordinates are chosen: by dragging along an axis, or in the number inputs beside the drawing. Lines outside
 * fade, and the tables of the section and of the results have only the rows inside.
 */
import {kept} from './address.ts';
import type {LongTable} from './long-table.ts';

/** Of an axis: numbers, or places of choices. */
type Range = readonly [low: number, high: number];

/** Pixels of the drawing around what is chosen: a single value is seen, and one near the pointer is meant. */
const around = 4;

/** `tables`: of the page; those of the same section and that of the results, as far as their rows have keys, follow the choice. `name`: in the address. */
export function brushParallel(box: HTMLElement, tables: readonly LongTable[], name: string): void {
  const drawing = box.querySelector('svg')!;
  const status = box.querySelector('[role=status]')!;
  const lines = [...box.querySelectorAll('polyline')].map((line) => ({
    line,
    values: line.dataset['values']!.split(',').map((value) => (value === '' ? Number.NaN : Number(value))),
  }));
  const axes = [...drawing.querySelectorAll<SVGRectElement>('.grip')].map((grip, axis) => {
    const ends = [...box.querySelectorAll<HTMLInputElement | HTMLSelectElement>(`[data-axis="${axis}"]`)];
    const [first] = ends;
    const whole: Range =
      first instanceof HTMLSelectElement ? [0, first.options.length - 1] : [Number(first!.min), Number(first!.max)];
    return {
      grip,
      part: drawing.querySelectorAll('.part')[axis]!,
      ends,
      whole,
      isLog: first!.closest('[data-log]') !== null,
      isChoice: first instanceof HTMLSelectElement,
    };
  });
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

  // An end that is empty is none.
  const rangeOf = ({ends, whole}: Axis): Range =>
    whole.map((end, i) => (ends[i]!.value === '' ? end : Number(ends[i]!.value))) as unknown as Range;
  const isWhole = ({whole}: Axis, [low, high]: Range): boolean => low <= whole[0] && high >= whole[1];
  /** Share of the axis below a value, and back. */
  const shareOf = ({whole: [low, high], isLog}: Axis, value: number): number =>
    Math.min(1, Math.max(0, isLog ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low)));
  const valueAt = ({whole: [low, high], isLog}: Axis, share: number): number =>
    isLog ? low * (high / low) ** share : low + (high - low) * share;

  const choose = (): void => {
    const ranges = axes.map(rangeOf);
    const areWhole = ranges.map((range, at) => isWhole(axes[at]!, range));
    // A line that does not cross an axis is inside only while the whole axis is chosen.
    const isInside = (values: readonly number[]): boolean =>
      ranges.every(([low, high], at) => areWhole[at] || (values[at]! >= low && values[at]! <= high));
    for (const [at, axis] of axes.entries()) {
      const [low, high] = ranges[at]!.map((value) => shareOf(axis, value)) as unknown as Range;
      const drawn = !areWhole[at] && high >= low;
      axis.part.setAttribute('y', String(top + height * (1 - high) - around));
      axis.part.setAttribute('height', String(drawn ? height * (high - low) + 2 * around : 0));
    }
    const inside = new Set(lines.filter(({values}) => isInside(values)).map(({line}) => line));
    for (const {line} of lines) line.classList.toggle('out', !inside.has(line));
    const keys = new Set([...inside].map((line) => line.dataset['key']));
    const test = (row: HTMLTableRowElement): boolean => keys.has(row.dataset['key']) || !own.has(row.dataset['key']);
    // Rows of another box's configurations, and of what is no configuration, stay.
    for (const table of [all, results]) table?.filter(name, areWhole.every(Boolean) ? undefined : test);
    short?.body.replaceChildren(
      ...all!
        .chosen()
        .slice(0, short.most)
        .map((row) => row.cloneNode(true)),
    );
    status.textContent = `${inside.size} of ${lines.length} configurations`;
  };
  const note = kept(name, (value) => {
    const ranges = value.split('_').map((text) => text.split('..'));
    for (const [at, {ends, whole}] of axes.entries())
      for (const [i, end] of ends.entries()) end.value = String(ranges[at]?.[i] ?? whole[i]);
    choose();
  });
  const chosen = (): void => {
    choose();
    const ranges = axes.map(rangeOf);
    const areWhole = ranges.every((range, at) => isWhole(axes[at]!, range));
    note(areWhole ? '' : ranges.map((range) => range.join('..')).join('_'));
  };
  const set = ({ends}: Axis, range: Range): void => {
    for (const [i, end] of ends.entries()) end.value = String(range[i]);
    chosen();
  };
  const shareAt = ({clientX, clientY}: PointerEvent): number => {
    const {y} = new DOMPoint(clientX, clientY).matrixTransform(drawing.getScreenCTM()!.inverse());
    return Math.min(1, Math.max(0, 1 - (y - top) / height));
  };
  /** Of an axis between two places on it, and a little around them: the choices inside, or numbers of four digits. */
  const between = (axis: Axis, from: number, to: number): Range => {
    const {whole, isChoice} = axis;
    const [low, high] = [from - around / height, to + around / height];
    if (isChoice) return [Math.ceil(valueAt(axis, Math.max(0, low))), Math.floor(valueAt(axis, Math.min(1, high)))];
    const number = (share: number): number => Number(valueAt(axis, share).toPrecision(4));
    return [low <= 0 ? whole[0] : number(from), high >= 1 ? whole[1] : number(to)];
  };
  for (const axis of axes)
    axis.grip.addEventListener('pointerdown', (down) => {
      if (down.button !== 0) return;
      const [from, moves] = [shareAt(down), new AbortController()];
      let isDrag = false;
      axis.grip.setPointerCapture(down.pointerId);
      axis.grip.addEventListener(
        'pointermove',
        (move) => {
          isDrag ||= Math.abs(move.clientY - down.clientY) > 3;
          const to = shareAt(move);
          if (isDrag) set(axis, between(axis, Math.min(from, to), Math.max(from, to)));
        },
        {signal: moves.signal},
      );
      axis.grip.addEventListener(
        'lostpointercapture',
        () => {
          moves.abort();
          if (!isDrag) set(axis, axis.whole);
        },
        {once: true},
      );
    });
  box.querySelector('fieldset')!.hidden = false;
  box.classList.add('live');
  box.addEventListener('input', chosen);
}
