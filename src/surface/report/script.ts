import {parallelScript} from './parallel-script.ts';

/** What a page does, where scripts run: tables are put in order, configurations are chosen, and one task is seen at a time. Without it all is there. */
export const script = `
'use strict';
const numberOf = (text) => {
  const found = /^[-−+]?\\d[\\d,]*\\.?\\d*(e[-+]?\\d+)?/.exec(text.trim());
  return found ? Number(found[0].replace('−', '-').replaceAll(',', '')) : NaN;
};
// Cells without a number come last in both directions.
const compare = (a, b, sign) => {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
  return sign * (Number.isNaN(x) ? (a < b ? -1 : a > b ? 1 : 0) : x - y);
};
for (const table of document.querySelectorAll('table.sortable')) {
  const body = table.tBodies[0];
  table.tHead.addEventListener('click', ({target}) => {
    const head = target.closest('th');
    if (!head || !target.closest('button')) return;
    const down = head.getAttribute('aria-sort') === 'ascending';
    for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
    head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    const text = (row) => row.cells[head.cellIndex].textContent;
    const rows = [...body.rows].sort((a, b) => compare(text(a), text(b), down ? -1 : 1));
    for (const row of rows) row.classList.remove('rule');
    body.append(...rows);
  });
}
${parallelScript}for (const chooser of document.querySelectorAll('[data-chooser]')) {
  const show = () => {
    for (const {value} of chooser.options) document.getElementById(value).hidden = value !== chooser.value;
  };
  chooser.addEventListener('change', show);
  show();
}
`;
