/** What ran when, and where the time went: computed stages as bars in rows, two that overlap in different ones. */

import {bytes, count, duration} from '../../core/base/text.ts';
import type {StageKind} from '../../pipeline/events.ts';
import type {StageNode} from '../../pipeline/stages/stage.ts';
import type {RunRecord} from '../../pipeline/store/runs/record.ts';
import {html, type Markup} from '../html.ts';
import type {RunReport} from '../tables/show.ts';
import {tableHtml} from '../tables/table-html.ts';
import {type ChartSpec, colours, draw} from './chart.ts';
import {figure} from './figure.ts';

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

/** Undefined where no stage was reached. */
export async function timelineSection(
  {bars, ran, cached, seconds}: Timeline,
  record: RunRecord,
  {kinds}: RunReport,
): Promise<Markup | undefined> {
  if (record.stages.every(({status}) => status === 'waiting')) return undefined;
  const chart =
    bars.length > 0 &&
    figure(
      await draw(
        ganttOf(
          bars,
          seconds,
          kinds.map(({kind}) => kind),
        ),
        `${count(ran)} stages that were computed within ${duration(seconds)}, by lane`,
      ),
      {
        title: `${count(ran)} computed within ${duration(seconds)}`,
        note: bars.length < ran ? `The longest ${bars.length} of them` : undefined,
        wide: true,
      },
    );
  return html`${chart}${cached > 0 && html`<p class="muted">${count(cached)} ${cached === 1 ? 'stage was' : 'stages were'} found in the cache.</p>`}${kindsTable(kinds)}`;
}

/** Pixels of the plot, and of a bar at least: of a long run, that of a short stage would not be seen. */
const size = {width: 760, leastBar: 2.5} as const;

/** `kinds`: of stages, in the order of the run. Those that have no colour of their own any more are paler. */
function ganttOf(bars: Timeline['bars'], seconds: number, kinds: readonly string[]): ChartSpec {
  // Minutes and hours are read off more easily than thousands of seconds.
  const [unit, length] = seconds > 7200 ? ['hours', 3600] : seconds > 120 ? ['minutes', 60] : ['seconds', 1];
  const least = (size.leastBar / size.width) * seconds;
  const values = bars.map(({label, kind, failed, lane, row, from, to}) => {
    const start = Math.min(from, seconds - least);
    return {
      kind,
      row: `${lane} ${row + 1}`,
      from: start / length,
      to: Math.max(to, start + least) / length,
      text: `${label}: ${duration(to - from)}${failed ? ', failed' : ''}`,
    };
  });
  const seen = kinds.filter((kind) => bars.some((bar) => bar.kind === kind));
  const {series} = colours;
  return {
    width: size.width,
    height: {step: 22},
    data: {values},
    mark: {type: 'bar', height: {band: 0.78}, cornerRadius: 1, stroke: 'var(--sheet)', strokeWidth: 0.6, aria: true},
    encoding: {
      x: {field: 'from', type: 'quantitative', title: unit, scale: {domain: [0, seconds / length], nice: false}},
      x2: {field: 'to'},
      y: {field: 'row', type: 'nominal', title: null, axis: {labelColor: 'var(--ink)', domain: false}},
      color: {
        field: 'kind',
        scale: {
          domain: seen,
          range: seen.map((_, i) => series[i] ?? `color-mix(in oklab, ${series[i % series.length]} 45%, var(--sheet))`),
        },
        legend: {symbolType: 'square'},
      },
      description: {field: 'text'},
    },
  };
}

const kindsTable = (kinds: RunReport['kinds']): Markup =>
  tableHtml(
    {
      columns: [
        {name: 'stage', align: 'left'},
        ...['stages', 'computed', 'cached', 'failed', 'time', 'peak memory'].map((name) => ({
          name,
          align: 'right' as const,
        })),
      ],
      rows: kinds.map(({kind, stages, statuses, seconds, peakMemory}) => [
        kind,
        ...[stages, statuses.computed ?? 0, statuses.cached ?? 0, statuses.failed ?? 0].map(count),
        statuses.computed ? duration(seconds) : '–',
        peakMemory === undefined ? '–' : bytes(peakMemory),
      ]),
      lead: 1,
    },
    {caption: 'Time: sum over the computed stages. Memory: the largest of any stage'},
  );
