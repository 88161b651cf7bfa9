/** Where a profiled run spent its time: for each kind of stage, the engine's kernels and what is outside of them. */
import {groupBy} from '../../core/base/group.ts';
import {count, duration} from '../../core/base/text.ts';
import type {KernelTime} from '../../core/engine/profile.ts';
import type {StageRecord} from '../../pipeline/store/runs/record.ts';
import {type Screen, terminalTable} from './table.ts';

/** Number of kernels for each kind of stage with a separate line; the others share one. */
const shown = 12;

interface Line {
  readonly kernel: string;
  readonly calls: number | undefined;
  readonly seconds: number;
}

/** Empty if no stage was profiled. */
export function profileTable(stages: readonly StageRecord[], {columns, paint}: Screen = {}): string {
  const profiled = stages.filter((stage) => stage.kernels !== undefined);
  const kinds = [...groupBy(profiled, (stage) => stage.kind)].map(([kind, them]) => ({kind, lines: linesOf(them)}));
  const rules = kinds.map((_, i) => kinds.slice(0, i).reduce((sum, {lines}) => sum + lines.length, 0)).slice(1);
  if (kinds.length === 0) return '';
  return terminalTable(
    {
      columns: ['stage', 'kernel', 'calls', 'time', '%', 'a call'].map((name, i) => ({
        name,
        align: i < 2 ? 'left' : 'right',
      })),
      rows: kinds.flatMap(({kind, lines}) => {
        const whole = lines.reduce((sum, {seconds}) => sum + seconds, 0);
        return lines.map(({kernel, calls, seconds}) => [
          kind,
          kernel,
          calls === undefined ? '–' : count(calls),
          duration(seconds),
          ((100 * seconds) / whole).toFixed(1),
          calls ? `${((1e6 * seconds) / calls).toFixed(0)} µs` : '–',
        ]);
      }),
      lead: 2,
      rules,
    },
    columns,
    paint,
  );
}

function linesOf(stages: readonly StageRecord[]): readonly Line[] {
  const kernels = [
    ...groupBy(
      stages.flatMap((stage) => stage.kernels ?? []),
      ({kernel}) => kernel,
    ),
  ]
    .map(([kernel, times]) => added(kernel, times))
    .sort((a, b) => b.seconds - a.seconds);
  const rest = kernels.slice(shown);
  const inside = kernels.reduce((sum, {seconds}) => sum + seconds, 0);
  const whole = stages.reduce((sum, stage) => sum + (stage.seconds ?? 0), 0);
  return [
    ...kernels.slice(0, shown),
    ...(rest.length === 0 ? [] : [added(`${rest.length} others`, rest)]),
    {kernel: '(outside kernels)', calls: undefined, seconds: Math.max(0, whole - inside)},
  ];
}

const added = (kernel: string, times: readonly KernelTime[]): KernelTime => ({
  kernel,
  calls: times.reduce((sum, {calls}) => sum + calls, 0),
  seconds: times.reduce((sum, {seconds}) => sum + seconds, 0),
});
