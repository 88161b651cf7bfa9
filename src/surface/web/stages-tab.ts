/** The stages of a run: the graph of their kinds, and for each kind its stages. */
import {groupBy} from '../../core/base/group.ts';
import {count} from '../../core/base/text.ts';
import type {RunRecord, StageRecord} from '../../pipeline/store/runs/record.ts';
import {html, type Markup, raw} from '../html.ts';
import {stageTook} from '../live/lines.ts';
import {svgOfDot} from '../report/svg.ts';
import {placeOf} from '../tables/show.ts';
import {badge} from './badge.ts';
import {isSettled} from './live-run.ts';
import type {Regions} from './regions.ts';

/** Of each kind, in the order of the work. */
export async function stagesTab({id: run, stages}: RunRecord, regions: Regions): Promise<Markup> {
  const places = new Map(stages.map((stage, at) => [stage, at]));
  return html`<div class="graph scroll" tabindex="0" role="group" aria-label="Graph of the kinds of stages">${raw(await graphOf(stages))}</div>
${[...groupBy(stages, ({kind}) => kind)].map(
  ([
    kind,
    own,
  ]) => html`<details id="kind-${kind}"><summary>${kind} × ${count(own.length)} <span id="state-${kind}" class="muted">${regions.get(`state-${kind}`)}</span></summary>
<div class="scroll" tabindex="0" role="region" aria-label="Stages of kind ${kind}"><table>
<thead><tr><th scope="col">stage</th><th scope="col">state</th><th scope="col" class="number">took</th></tr></thead>
<tbody>${own.map(
    (stage) => html`<tr data-item><th scope="row"><a href="/runs/${run}/stages/${stage.id}">${stage.label}</a></th>${(
      ['state', 'took'] as const
    ).map(
      (cell) =>
        html`<td id="${cell}-${places.get(stage)!}"${cell === 'took' && html` class="number"`}>${regions.get(`${cell}-${places.get(stage)!}`)}</td>`,
    )}</tr>
`,
  )}</tbody></table></div></details>`,
)}`;
}

/** What of it changes while the run goes on. */
export const stagesRegions = ({stages}: RunRecord): Regions =>
  new Map([
    ...[...groupBy(stages, ({kind}) => kind)].map(([kind, own]) => [`state-${kind}`, statesOf(own)] as const),
    ...stages.flatMap((stage, at) => [
      [`state-${at}`, stateOf(stage)] as const,
      [`took-${at}`, html`${tookOf(stage)}`] as const,
    ]),
  ]);

/** `10 of 12 done: 8 computed, 2 cached`. */
function statesOf(stages: readonly StageRecord[]): Markup {
  const states = [...groupBy(stages, ({status}) => status)].map(([status, own]) => `${count(own.length)} ${status}`);
  const done = stages.filter(isSettled).length;
  return html`${done < stages.length ? `${count(done)} of ${count(stages.length)} done: ` : ''}${states.join(', ')}`;
}

function stateOf(stage: StageRecord): Markup {
  const place = placeOf(stage);
  return html`${badge(stage.status)}${place !== undefined && html` <span class="muted">${place}</span>`}`;
}

export const tookOf = ({status, seconds, peakMemory}: StageRecord): string =>
  status === 'computed' && seconds !== undefined ? stageTook({seconds, peakMemory}) : '–';

/** A box for each kind, that leads to its stages. */
async function graphOf(stages: readonly StageRecord[]): Promise<string> {
  const kinds = groupBy(stages, ({kind}) => kind);
  const kindOf = new Map(stages.map(({id, kind}) => [id, kind]));
  const edges = new Set(
    stages.flatMap(({kind, node}) =>
      Object.values(node.inputs).flatMap(({stage}) => {
        const from = kindOf.get(stage);
        return from === undefined || from === kind ? [] : [`  "${from}" -> "${kind}"`];
      }),
    ),
  );
  const boxes = [...kinds].map(([kind, own]) => `  "${kind}" [label="${kind} × ${own.length}" URL="#kind-${kind}"]`);
  const svg = await svgOfDot(
    [
      'digraph kinds {',
      '  rankdir=LR; bgcolor=transparent; nodesep=0.2; ranksep=0.35',
      '  node [shape=box style=rounded]',
      ...boxes,
      ...edges,
      '}',
    ].join('\n'),
  );
  return svg.slice(svg.indexOf('<svg'));
}
