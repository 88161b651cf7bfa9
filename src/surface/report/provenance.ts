/** Spec, options, data, machine and fingerprints: what it takes to have these numbers again. */
import {count, plural} from '../../core/base/text.ts';
import {html, type Markup} from '../html.ts';
import {tableHtml} from '../tables/table-html.ts';
import type {ReportData} from './report-data.ts';

export function provenanceSection({source, record, provenance}: ReportData): Markup {
  const {configurations, data, fingerprints, stages} = provenance;
  const files = data.flatMap(({label, files, more}) => [
    ...files.map(([name, digest]) => [label, name, digest]),
    ...(more > 0 ? [[label, `and ${count(more)} more`, '']] : []),
    ...(files.length === 0 ? [[label, '–', '']] : []),
  ]);
  return html`<details open><summary>Spec</summary>${block('Spec', source)}</details>
<details><summary>Resolved options: ${plural(configurations.length, 'configuration')}</summary>${configurations.map(
    ({title, inliers, seeds, options}) => html`<h3>${title}</h3>
<p class="muted small">Classes ${inliers.join(', ')}; seeds ${seeds.join(', ')}</p>${block(title, JSON.stringify(options, null, 2))}`,
  )}</details>
<details><summary>Data: ${plural(data.length, 'dataset stage')}</summary>${tableHtml(
    {columns: ['stage', 'file', 'SHA-256'].map((name) => ({name, align: 'left' as const})), rows: files, lead: 1},
    {
      caption: 'Files that were read. There are none for a drawn dataset, or if the cache entry was removed',
      cell: (text, _, column) => (column === 'SHA-256' ? html`<code>${text}</code>` : text),
    },
  )}</details>
<details><summary>Machine and versions</summary>${block('Machine and versions', JSON.stringify({...record.environment, ...(record.engine && {engine: record.engine})}, null, 2))}</details>
<details><summary>Fingerprints: ${plural(stages, 'stage')}</summary>${tableHtml(
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
  )}</details>`;
}

const block = (name: string, text: string): Markup =>
  html`<pre tabindex="0" role="group" aria-label="${name}">${text}</pre>`;
