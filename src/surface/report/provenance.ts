/** What it takes to have a run's numbers again: spec, options, data, machine, versions and fingerprints. */
import type {Json} from '../../core/base/canonical.ts';
import {groupBy} from '../../core/base/group.ts';
import {count, plural, shellWord} from '../../core/base/text.ts';
import type {StageKey} from '../../pipeline/plan/fingerprint.ts';
import type {RunRows} from '../../pipeline/store/results/rows.ts';
import type {RunRecord} from '../../pipeline/store/runs/record.ts';
import {type Content, html, type Markup} from '../html.ts';
import {runNames} from '../tables/run-names.ts';
import type {RunReport} from '../tables/show.ts';
import {tableHtml} from '../tables/table-html.ts';
import type {Artifacts} from './artifacts.ts';
import {mostPrinted, notPrinted} from './paper.ts';

/** Fingerprints that are listed; a suite of a thousand tasks has several thousand. */
const mostStages = 1500;

/** Configurations of which all options are printed. */
const mostConfigurations = 6;

export interface Provenance {
  readonly configurations: readonly Configuration[];
  readonly data: readonly DataOrigin[];
  /** The first of them; `stages` is how many there are. */
  readonly fingerprints: readonly (readonly [label: string, status: string, fingerprint: string])[];
  readonly stages: number;
}

interface Configuration {
  readonly title: string;
  /** Dataset, learner, augmentation and versions, all defaults filled. */
  readonly options: Json;
  readonly inliers: readonly string[];
  readonly seeds: readonly number[];
}

interface DataOrigin {
  readonly label: string;
  readonly fingerprint: string;
  /** Name and SHA-256 of each file that was read; empty where there are none, or the cache entry is gone. */
  readonly files: readonly (readonly [name: string, digest: string])[];
  /** Files that are not listed. */
  readonly more: number;
}

/** Of a folder of images there may be thousands. */
const mostFiles = 12;

export function provenanceOf(record: RunRecord, rows: RunRows, artifacts: Artifacts): Provenance {
  const {methods} = runNames(record);
  const tasks = new Map(record.tasks.map((task) => [task.id, task]));
  const configurations = [...groupBy(rows.tasks, (row) => row['config']).values()].map((same) => {
    const own = same.map((row) => tasks.get(row['task'] as string)!);
    return {
      title: `${own[0]!.dataset.type} · ${methods.get(own[0]!.id)}`,
      options: JSON.parse(same[0]!['options'] as string) as Json,
      inliers: [...new Set(own.map(({inlier}) => inlier))],
      seeds: [...new Set(own.map(({seed}) => seed))],
    };
  });
  const data = record.stages
    .filter(({kind, fingerprint}) => kind === 'data' && fingerprint)
    .map((stage) => {
      const manifest = artifacts.manifest(stage);
      const sources = manifest.ok ? Object.entries((manifest.value.key as unknown as StageKey).sources) : [];
      return {
        label: stage.label,
        fingerprint: stage.fingerprint!,
        files: sources.slice(0, mostFiles),
        more: Math.max(0, sources.length - mostFiles),
      };
    });
  const made = record.stages.flatMap(({label, status, fingerprint}) =>
    fingerprint ? [[label, status, fingerprint] as const] : [],
  );
  return {configurations, data, fingerprints: made.slice(0, mostStages), stages: made.length};
}

export function provenanceSection(
  {configurations, data, fingerprints, stages}: Provenance,
  {record, report, source}: {readonly record: RunRecord; readonly report: RunReport; readonly source: string},
): Markup {
  const files = data.flatMap(({label, files, more}) => [
    ...files.map(([name, digest]) => [label, name, digest]),
    ...(more > 0 ? [[label, `and ${count(more)} more`, '']] : []),
    ...(files.length === 0 ? [[label, '–', '']] : []),
  ]);
  const isLong = configurations.length > mostConfigurations;
  return html`${factsOf(record, report)}
<details open><summary>Spec</summary>${block('Spec', source)}</details>
<details${isLong && html` class="unprinted"`}><summary>Resolved options: ${plural(configurations.length, 'configuration')}</summary>${configurations.map(
    ({title, inliers, seeds, options}) => html`<h3>${title}</h3>
<p class="muted small">Classes ${inliers.join(', ')}; seeds ${seeds.join(', ')}</p>${block(title, JSON.stringify(options, null, 2))}`,
  )}</details>${isLong && notPrinted(`the options of ${configurations.length} configurations`, `pipeline query "select task, options from tasks where run = '${record.id}'" --format csv`)}
<details><summary>Data: ${plural(data.length, 'dataset stage')}</summary>${tableHtml(
    {columns: ['stage', 'file', 'SHA-256'].map((name) => ({name, align: 'left' as const})), rows: files, lead: 1},
    {
      caption: 'Files that were read. There are none for a drawn dataset, or if the cache entry was removed',
      cell: (text, _, column) => (column === 'SHA-256' ? html`<code>${text}</code>` : text),
    },
  )}</details>
<details><summary>Machine and versions</summary>${block('Machine and versions', JSON.stringify({...record.environment, ...(record.engine && {engine: record.engine})}, null, 2))}</details>
<details${stages > mostPrinted && html` class="unprinted"`}><summary>Fingerprints: ${plural(stages, 'stage')}</summary>${tableHtml(
    {
      columns: ['stage', 'status', 'fingerprint'].map((name) => ({name, align: 'left' as const})),
      rows: fingerprints.map((row) => [...row]),
      lead: 1,
    },
    {
      caption:
        stages > fingerprints.length
          ? `The first ${count(fingerprints.length)}; plan.json and events.ndjson have all of them`
          : 'Cache keys',
      cell: (text, _, column) =>
        column === 'fingerprint' ? html`<code title="${text}">${text.slice(0, 16)}</code>` : text,
    },
  )}</details>${stages > mostPrinted && notPrinted(`the fingerprints of ${count(stages)} stages`, `pipeline query "from stages where run = '${record.id}'" --format csv`)}`;
}

/** By what the run was computed, and how it was started. */
function factsOf(record: RunRecord, report: RunReport): Markup {
  const environment = record.environment as {
    readonly cpu?: string;
    readonly cores?: number;
    readonly host?: string;
    readonly version?: string;
    readonly node?: string;
    readonly git?: {readonly commit: string; readonly dirty: boolean};
    readonly command?: readonly string[];
  };
  const {cpu, cores, host, version, node, git, command} = environment;
  const facts: readonly (readonly [string, Content])[] = [
    ['Stages', `${count(report.stages)}: ${count(report.computed)} computed, ${count(report.cached)} cached`],
    ['Engine', report.engine],
    ['Machine', cpu && [cpu, cores && plural(cores, 'core'), host].filter(Boolean).join(', ')],
    ['Program', version && `pipeline ${version}${node ? `, Node ${node}` : ''}`],
    ['Commit', git && html`<code>${git.commit.slice(0, 12)}</code>${git.dirty && ', with changes'}`],
    ['Command', command && html`<code>pipeline ${command.map(shellWord).join(' ')}</code>`],
  ];
  return html`<dl class="facts">${facts.map(([name, value]) => value && html`<div${name === 'Command' && html` class="long"`}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

const block = (name: string, text: string): Markup =>
  html`<pre tabindex="0" role="group" aria-label="${name}">${text}</pre>`;
