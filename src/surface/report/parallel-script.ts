/**
 * Where scripts run, parts of the axes of parallel coordinates are chosen: by dragging along an axis, or in the number inputs beside the
 * drawing. Lines outside fade, and the section's tables have only the rows inside.
 */
export const parallelScript = `
for (const box of document.querySelectorAll('[data-parallel]')) {
  const [drawing, status] = [box.querySelector('svg'), box.querySelector('[role=status]')];
  const lines = [...box.querySelectorAll('polyline')].map((line) => ({line, units: line.dataset.units.split(',')}));
  const axes = [...drawing.querySelectorAll('.grip')].map((grip, axis) => ({
    grip,
    part: drawing.querySelectorAll('.part')[axis],
    ends: [...box.querySelectorAll('input[data-axis="' + axis + '"]')],
  }));
  const {y: {baseVal: {value: top}}, height: {baseVal: {value: height}}} = axes[0].grip;
  const tables = [...new Set([...box.closest('section').querySelectorAll('tr[data-key]')].map((row) => row.closest('table')))];
  // The last table has all rows, the best first; another before it only the first of them.
  const rows = tables.length > 0 ? [...tables.at(-1).tBodies[0].rows] : [];
  const short = tables.length > 1 ? {body: tables[0].tBodies[0], most: tables[0].tBodies[0].rows.length} : undefined;
  const rangeOf = ({ends}) => ends.map(({value}) => Number(value) / 100);
  const choose = () => {
    const ranges = axes.map(rangeOf);
    const isWhole = ([low, high]) => low <= 0 && high >= 1;
    // A line that does not cross an axis is inside only while the whole axis is chosen.
    const isInside = (units) =>
      ranges.every((range, axis) => isWhole(range) || (units[axis] !== '' && units[axis] >= range[0] && units[axis] <= range[1]));
    for (const [axis, [low, high]] of ranges.entries()) {
      const drawn = !isWhole(ranges[axis]) && high > low;
      axes[axis].part.setAttribute('y', top + height * (1 - high));
      axes[axis].part.setAttribute('height', drawn ? height * (high - low) : 0);
    }
    const inside = lines.filter(({units}) => isInside(units));
    for (const {line} of lines) line.classList.add('out');
    for (const {line} of inside) line.classList.remove('out');
    const keys = new Set(inside.map(({line}) => line.dataset.key));
    const all = ranges.every(isWhole);
    const left = rows.filter((row) => all || keys.has(row.dataset.key));
    for (const row of rows) row.hidden = true;
    for (const row of left) row.hidden = false;
    short?.body.replaceChildren(...left.slice(0, short.most).map((row) => row.cloneNode(true)));
    status.textContent = inside.length + ' of ' + lines.length + ' configurations';
  };
  const set = ({ends}, range) => {
    for (const [i, end] of ends.entries()) end.value = range[i];
    choose();
  };
  /** In percent from the foot. */
  const percentAt = ({clientX, clientY}) => {
    const {y} = new DOMPoint(clientX, clientY).matrixTransform(drawing.getScreenCTM().inverse());
    return Math.round(100 * Math.min(1, Math.max(0, 1 - (y - top) / height)));
  };
  for (const axis of axes)
    axis.grip.addEventListener('pointerdown', (down) => {
      if (down.button !== 0) return;
      const [from, moves] = [percentAt(down), new AbortController()];
      let isDrag = false;
      axis.grip.setPointerCapture(down.pointerId);
      axis.grip.addEventListener('pointermove', (move) => {
        isDrag ||= Math.abs(move.clientY - down.clientY) > 3;
        const to = percentAt(move);
        if (isDrag) set(axis, [Math.min(from, to), Math.max(from, to)]);
      }, {signal: moves.signal});
      axis.grip.addEventListener('lostpointercapture', () => {
        moves.abort();
        if (!isDrag) set(axis, [0, 100]);
      }, {once: true});
    });
  box.querySelector('fieldset').hidden = false;
  box.classList.add('live');
  box.addEventListener('input', choose);
}
`;
