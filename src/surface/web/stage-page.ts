/** One stage of a run: its state and place, its key, its files in the cache, and its log. */
import {dirname, join} from 'node:path';
import {bytes, dateText, duration} from '../../core/base/text.ts';
import {logsOf} from '../../pipeline/cluster/logs.ts';
import {findManifest} from '../../pipeline/store/cache/artifact.ts';
import {entryFolder} from '../../pipeline/store/cache/entry.ts';
import type {RunRecord, StageRecord} from '../../pipeline/store/runs/record.ts';
import {type Content, html, type Markup} from '../html.ts';
import {placeOf} from '../tables/show.ts';
import {badge} from './badge.ts';
import {logView} from './logs-page.ts';
import type {Page} from './page.ts';

/** Undefined: the run has no such stage. */
export function stagePage(record: RunRecord, id: string): Page | undefined {
  const stage = record.stages.find((one) => one.id === id);
  if (!stage) return undefined;
  const {label, kind, status, message, hint, node, fingerprint, started, finished, seconds, peakMemory} = stage;
  const {engine, threads} = stage;
  const facts: readonly (readonly [string, Content])[] = [
    ['Kind', html`<a href="/runs/${record.id}#kind-${kind}">${kind}</a>`],
    ['Where', placeOf(stage)],
    ['Started', started && dateText(started)],
    ['Finished', finished && dateText(finished)],
    ['Took', status === 'computed' && seconds !== undefined && duration(seconds)],
    ['Peak memory', peakMemory !== undefined && bytes(peakMemory)],
    ['Engine', engine && `${engine}${threads === undefined ? '' : `, ${threads} threads`}`],
  ];
  const logs = logsOf(record.folder, undefined).filter(({stages}) => stages.includes(id));
  return {
    title: label,
    body: html`<h1>${label}</h1>
<p><a href="/runs/${record.id}#stages">${record.name}</a> ${badge(status)}</p>
${message !== undefined && html`<div class="problem"><pre>${message}</pre>${hint !== undefined && html`<p>${hint}</p>`}</div>`}
<dl class="facts">${facts.map(([name, value]) => value && html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
${logs.length > 0 && html`<h2>Log</h2>${logs.map(logView)}`}
<h2>Files</h2>
${filesOf(record, stage)}
<h2>Key</h2>
<p>${fingerprint === undefined ? 'It has none yet: it depends on the files that the stage reads.' : html`<code>${fingerprint}</code>`}</p>
${inputsOf(record, stage)}
<pre>${JSON.stringify(node.recipe, null, 2)}</pre>
<h2>Tasks</h2>
<ul>${node.tasks.slice(0, mostTasks).map((task) => html`<li>${task}</li>`)}</ul>
${node.tasks.length > mostTasks && html`<p>… and ${node.tasks.length - mostTasks} more</p>`}`,
  };
}

const mostTasks = 100;

function inputsOf({id, stages}: RunRecord, {node}: StageRecord): Markup | undefined {
  const labels = new Map(stages.map((stage) => [stage.id, stage.label]));
  const inputs = Object.entries(node.inputs);
  if (inputs.length === 0) return undefined;
  return html`<ul>${inputs.map(
    ([role, {stage, file}]) =>
      html`<li>${role}: <code>${file}</code> of <a href="/runs/${id}/stages/${stage}">${labels.get(stage) ?? stage}</a></li>`,
  )}</ul>`;
}

function filesOf({folder}: RunRecord, {fingerprint}: StageRecord): Markup {
  if (fingerprint === undefined) return html`<p class="muted">There are none yet.</p>`;
  const cache = join(dirname(folder), 'cache');
  const manifest = findManifest(cache, fingerprint);
  if (!manifest.ok) return html`<p class="muted">${manifest.failures[0]!.message}. ${manifest.failures[0]!.hint}</p>`;
  return html`<p><code>${entryFolder(cache, fingerprint)}</code></p>
<div class="scroll" tabindex="0" role="region" aria-label="Files"><table>
<thead><tr><th scope="col">file</th><th scope="col" class="number">size</th><th scope="col">SHA-256</th></tr></thead>
<tbody>${Object.entries(manifest.value.files).map(
    ([name, file]) =>
      html`<tr><th scope="row">${name}</th><td class="number">${bytes(file.bytes)}</td><td><code>${file.sha256}</code></td></tr>`,
  )}</tbody></table></div>`;
}
