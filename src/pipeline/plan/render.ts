/** Writes a graph as text for Mermaid and Graphviz. */
import {unreachable} from '../../core/base/result.ts';
import type {StageNode} from '../stages/stage.ts';
import type {Forecast} from './preview.ts';

type Forecasts = ReadonlyMap<string, Forecast>;

/** Fill and border. Green: cached; orange: must run; grey: depends on what those leave; red: its data is missing. */
const colours = {
  hit: {fill: '#d9f2d9', line: '#3c8d40'},
  miss: {fill: '#ffe3c2', line: '#c46a00'},
  unknown: {fill: '#eeeeee', line: '#888888'},
  absent: {fill: '#ffd6d6', line: '#b00020'},
} as const;

const states = ['hit', 'miss', 'unknown', 'absent'] as const;

const wording = {hit: 'cached', miss: 'will run', unknown: 'depends', absent: 'no data'} as const;

/** A flow chart from left to right. The label of an edge is the file that passes along it. */
export function renderMermaid(graph: readonly StageNode[], forecasts?: Forecasts): string {
  const names = namesOf(graph);
  const lines = ['flowchart LR'];
  for (const {id, label} of graph) {
    const state = forecasts?.get(id)?.state;
    lines.push(`  ${names.get(id)}["${escapeMermaid(label)}"]${state ? `:::${state}` : ''}`);
  }
  for (const {from, to, file} of edgesOf(graph))
    lines.push(`  ${names.get(from)} -->|${escapeMermaid(file)}| ${names.get(to)}`);
  const used = new Set([...(forecasts?.values() ?? [])].map(({state}) => state));
  if (forecasts)
    for (const state of states.filter((one) => one !== 'absent' || used.has(one)))
      lines.push(`  classDef ${state} fill:${colours[state].fill},stroke:${colours[state].line}`);
  return `${lines.join('\n')}\n`;
}

/** A directed graph for `dot -Tsvg`. */
export function renderDot(graph: readonly StageNode[], forecasts?: Forecasts): string {
  const names = namesOf(graph);
  const lines = ['digraph pipeline {', '  rankdir=LR', '  node [shape=box style="rounded,filled" fillcolor=white]'];
  for (const {id, label} of graph) {
    const state = forecasts?.get(id)?.state;
    const look = state
      ? ` fillcolor="${colours[state].fill}" color="${colours[state].line}" tooltip="${wording[state]}"`
      : '';
    lines.push(`  ${names.get(id)} [label="${escapeDot(label)}"${look}]`);
  }
  for (const {from, to, file} of edgesOf(graph))
    lines.push(`  ${names.get(from)} -> ${names.get(to)} [label="${escapeDot(file)}"]`);
  return `${[...lines, '}'].join('\n')}\n`;
}

export function render(format: 'mermaid' | 'dot', graph: readonly StageNode[], forecasts?: Forecasts): string {
  switch (format) {
    case 'mermaid':
      return renderMermaid(graph, forecasts);
    case 'dot':
      return renderDot(graph, forecasts);
    default:
      return unreachable(format);
  }
}

/** Short names in the order of the graph. Mermaid does not accept ids that start with a digit, or words such as `end`. */
const namesOf = (graph: readonly StageNode[]): ReadonlyMap<string, string> =>
  new Map(graph.map(({id}, i) => [id, `s${i + 1}`]));

/** One edge for every file that one stage reads from another, even if it reads the file in several roles. */
function edgesOf(
  graph: readonly StageNode[],
): readonly {readonly from: string; readonly to: string; readonly file: string}[] {
  return graph.flatMap(({id, inputs}) => {
    const seen = new Map(
      Object.values(inputs).map(({stage, file}) => [`${stage} ${file}`, {from: stage, to: id, file}]),
    );
    return [...seen.values()];
  });
}

const escapeMermaid = (text: string): string =>
  text.replace(/[&"<>#|[\]{}`\\\n\r]/g, (character) => `#${character.codePointAt(0)};`);

const escapeDot = (text: string): string => text.replace(/[\\"]/g, '\\$&').replace(/\r?\n/g, '\\n');
