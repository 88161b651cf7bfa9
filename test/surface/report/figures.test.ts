// @module-tag slow
/** Figures of CutPaste in the report of a run on drawn textures: made anomalies, and maps of the same images side by side. */
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, test, vi} from 'vitest';
import {Project} from '../../rig/command.ts';

vi.setConfig({testTimeout: 180_000, hookTimeout: 180_000});

const project = new Project();
let page: string;

beforeAll(async () => {
  project.write(
    'figures.yaml',
    `
dataset: {type: synthetic, size: 48, classes: 2, train: 24, test: 14, defects: true, inliers: [stripes], limit: {test: 10}, validation: {type: synthetic, fraction: 0.25, transforms: [cutout, {cutout: {colour: mean}}, scar]}}
matrix:
  learner, localize:
    - [&image {type: cutpaste, network: {type: small, width: 8, head: [16]}, epochs: 1, steps_per_epoch: 4, batch: 8}, {type: gradcam}]
    - [{<<: *image, patch: 16}, {patch: 16, stride: 8}]
classifiers: [{type: gde, shrinkage: ledoit-wolf}]
metrics: [auc, pixel-auc]
`,
  );
  const run = await project.run('run', 'figures.yaml', '--quiet');
  expect(run.status, run.err).toBe(0);
  const report = await project.run('report', 'latest', '--out', 'page.html');
  expect(report.status, report.err).toBe(0);
  page = readFileSync(join(project.folder, 'page.html'), 'utf8');
});
afterAll(() => project[Symbol.dispose]());

const section = (from: string): string => page.slice(page.indexOf(from)).split('</table>')[0]!;
const headings = (table: string): readonly string[] =>
  [...table.matchAll(/<th scope="col">([^<]*)<\/th>/g)].map(([, name]) => name!);

test('image, mask, GradCAM and patch map of the same images are side by side', () => {
  const table = section('id="maps"');
  const [image, mask, ...methods] = headings(table);
  expect([image, mask]).toEqual(['image', 'mask']);
  expect(methods).toHaveLength(2);
  expect(methods.some((name) => name.endsWith(': gradcam gde'))).toBe(true);
  expect(methods.some((name) => name.endsWith(': windows gde'))).toBe(true);
  // Of 10 test images 5 are defective: all of these, and two normal ones.
  const rows = table.match(/<tr>/g)!.length - 1;
  expect(rows).toBe(7);
  expect(new Set(table.match(/data:image\/webp;base64,[^"]+/g)).size).toBeGreaterThanOrEqual(3 * rows);
  // Under each map the image's score; images are known by their names.
  expect(table.match(/[\d.,]+, (?:above|below)<\/span>/g)).toHaveLength(2 * rows);
  expect(table.match(/(?:good|defect) no\. \d+<\/span>/g)).toHaveLength(rows);
});

test('each method has one scale for its maps: the colours of the maps of tasks, with numbers and the threshold', () => {
  const bars = (part: string) =>
    [...part.matchAll(/<figure class="bar">.*?<\/figure>/gs)].map(([bar]) => ({
      gradient: /linear-gradient\([^"]+\)/.exec(bar)![0],
      ticks: [...bar.matchAll(/<li [^>]*><span>([^<]+)<\/span>/g)].map(([, score]) => score),
      threshold: /threshold ([^ ]+?)\.? /.exec(`${bar} `)![1]!.replace(/\.?<.*$/s, ''),
    }));
  const own = bars(section('id="maps"'));
  expect(own).toHaveLength(2);
  for (const {ticks} of own) expect(ticks.length).toBeGreaterThanOrEqual(5);
  const ofTasks = page.slice(page.indexOf('id="tasks"'), page.indexOf('id="maps"'));
  expect(own).toEqual(bars(ofTasks));
});

test('a task begins with the classifier whose AUC is among the results', () => {
  const names = (part: string) => [...part.matchAll(/<th scope="row">([^<]+)<\/th>/g)].map(([, name]) => name);
  expect(names(section('id="task-0"'))).toEqual(['gde', 'gradcam gde']);
});

test('what is made of held-out images: a gallery beside real anomalies, named by the options in which they differ', () => {
  const table = section('class="gallery made"');
  expect(headings(table)).toEqual([
    'normal, held out',
    'cutout colour=grey',
    'cutout colour=mean',
    'scar',
    'anomalous, a test image',
  ]);
  const pictures = [...table.matchAll(/<tr>(.*?)<\/tr>/gs)].slice(1).map(([, row]) => row!.match(/src="[^"]+"/g)!);
  expect(pictures).toHaveLength(6); // a quarter of 24
  for (const row of pictures) expect(new Set(row).size, 'all pictures of a row differ').toBe(row.length);
});

test('they are in the map of the features, as marks of their own', () => {
  const [, map] = page.split('Made anomalies. Principal components');
  const chart = map!.split('</svg>')[0]!;
  const marks = [...chart.matchAll(/<title>([^<]+)<\/title>/g)].map(([, kind]) => kind!);
  const counts = Object.fromEntries(
    [...new Set(marks)].map((kind) => [kind, marks.filter((one) => one === kind).length]),
  );
  expect(counts).toEqual({normal: 5, anomalous: 5, 'cutout colour=grey': 6, 'cutout colour=mean': 6, scar: 6});
});
