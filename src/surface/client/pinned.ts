/** Keeps the columns that name a row in sight while a wide table is scrolled sideways. */

/** Of a table whose lead columns are marked `th scope=row`; none if they would take more than half of the frame. */
export function pinLeads(table: HTMLTableElement): void {
  const frame = table.closest<HTMLElement>('.scroll');
  if (!frame) return;
  const place = (): void => {
    const heads = [...table.tHead!.rows[0]!.cells];
    const lead = [...(table.tBodies[0]?.rows ?? [])].reduce(
      (most, row) => Math.max(most, [...row.cells].filter(({scope}) => scope === 'row').length),
      0,
    );
    const widths = heads.slice(0, lead).map(({offsetWidth}) => offsetWidth);
    const whole = widths.reduce((sum, width) => sum + width, 0);
    const pinned = frame.scrollWidth > frame.clientWidth && whole < frame.clientWidth / 2;
    table.classList.toggle('pinned', pinned);
    let left = 0;
    for (const [at, width] of widths.entries()) {
      table.style.setProperty(`--left-${at + 1}`, `${left}px`);
      left += width;
    }
  };
  new ResizeObserver(place).observe(frame);
}
