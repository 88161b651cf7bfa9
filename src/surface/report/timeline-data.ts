/** What ran when: computed stages as bars in rows, two that overlap in different ones. */
import type {StageKind} from '../../pipeline/events.ts';
import type {StageNode} from '../../pipeline/stages/stage.ts';
import type {RunRecord} from '../../pipeline/store/runs/record.ts';

/** Bars that are drawn: of more, the longest. */
const mostBars = 400;

export interface Bar {
  readonly label: string;
  readonly kind: StageKind;
  readonly failed: boolean;
  readonly lane: StageNode['lane'];
  /** Row in its lane, from 0. */
  readonly row: number;
  /** Seconds since the run began. */
  readonly from: number;
  readonly to: number;
}

export interface Timeline {
  readonly bars: readonly Bar[];
  /** Stages that were computed, or failed while they were; more than there are bars where there are too many. */
  readonly ran: number;
  readonly cached: number;
  /** Length of the run, or of what is known of it. */
  readonly seconds: number;
}

export function timelineOf(record: RunRecord): Timeline {
  const start = Date.parse(record.started ?? '');
  const timed = record.stages.flatMap((stage) => {
    if (stage.started === undefined || stage.finished === undefined || Number.isNaN(start)) return [];
    const [from, to] = [stage.started, stage.finished].map((time) => Math.max(0, Date.parse(time) - start) / 1000);
    return [{stage, from: from!, to: to!}];
  });
  const rows = new Map<Bar['lane'], number[]>();
  const bars = timed
    .sort((a, b) => a.from - b.from)
    .map(({stage, from, to}): Bar => {
      const {lane} = stage.node;
      const ends = rows.get(lane) ?? [];
      rows.set(lane, ends);
      const free = ends.findIndex((end) => end <= from);
      const row = free < 0 ? ends.length : free;
      ends[row] = to;
      return {label: stage.label, kind: stage.kind, failed: stage.status === 'failed', lane, row, from, to};
    });
  const longest = new Set(bars.toSorted((a, b) => b.to - b.from - (a.to - a.from)).slice(0, mostBars));
  return {
    bars: bars.filter((bar) => longest.has(bar)),
    ran: bars.length,
    cached: record.stages.filter(({status}) => status === 'cached').length,
    seconds: record.seconds ?? Math.max(0, ...bars.map(({to}) => to)),
  };
}
