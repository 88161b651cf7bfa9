/** The tested kernels of the library on this machine: wrong ones first. */
import {groupBy} from '../../core/base/group.ts';
import {plural} from '../../core/base/text.ts';
import type {Verdict} from '../../core/engine/check/verdicts.ts';
import {ITSELF} from '../../core/engine/check/ways.ts';
import {type Screen, terminalTable} from './table.ts';

export function kernelTable(verdicts: readonly Verdict[], {columns, paint}: Screen = {}): string {
  const sound = ({verdict}: Verdict) => verdict === 'right' || verdict === 'unchecked';
  const rows = [...verdicts.filter((one) => !sound(one)), ...verdicts.filter(sound)];
  const bad = rows.findIndex(sound);
  return terminalTable(
    {
      columns: ['kernel', 'shape', 'verdict', 'error', 'computed'].map((name) => ({
        name,
        align: name === 'error' ? 'right' : 'left',
      })),
      rows: rows.map(({kernel, shapes, verdict, error, note, way}) => [
        kernel,
        shapes,
        note === undefined ? verdict : `${verdict}: ${note}`,
        error === undefined ? '–' : error === null ? '∞' : error.toExponential(1),
        way === undefined ? 'not possible' : way === ITSELF ? 'directly' : way,
      ]),
      lead: 2,
      rules: bad > 0 ? [bad] : [],
      tone: (row, column) =>
        column !== 2 ? undefined : rows[row]!.way === undefined ? 'bad' : sound(rows[row]!) ? undefined : 'poor',
    },
    columns,
    paint,
  );
}

/** `41 kernels: 38 right, 3 wrong`, counted by shape. */
export function kernelSummary(verdicts: readonly Verdict[]): string {
  const counts = [...groupBy(verdicts, ({verdict}) => verdict)].map(([verdict, them]) => `${them.length} ${verdict}`);
  return `${plural(verdicts.length, 'kernel')}: ${counts.join(', ')}`;
}
