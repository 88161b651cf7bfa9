/** Heat maps of the same images by several methods, side by side: image, mask, a map each (Li et al. 2021, CutPaste: figures 4 and 7–21). */
import {groupBy} from '../../core/base/group.ts';
import {type Result, succeed} from '../../core/base/result.ts';
import {readImages} from '../../core/formats/arrow/images.ts';
import {readMaps} from '../../core/formats/arrow/maps.ts';
import {encodeWebp} from '../../core/images/codec.ts';
import {type Picture, pictureOf} from '../../core/images/picture.ts';
import type {Problem} from '../../pipeline/failures.ts';
import {html, type Markup} from '../html.ts';
import type {Artifacts} from './artifacts.ts';
import {heatColours} from './chart.ts';
import type {CloseUp} from './close-up.ts';
import {type HeatScale, painted} from './heat-scale.ts';
import {type ImageNames, imageNames} from './image-names.ts';
import type {Pictures} from './pictures.ts';
import {scaleBar} from './scale-bar.ts';
import {scoreText} from './score-text.ts';
import type {Scored} from './scores.ts';
import {shrunk} from './sheets.ts';
import {imagesOf} from './test-images.ts';

/** Methods beside each other, and images of each kind. */
const mostMethods = 6;
const images = {found: 4, missed: 4, normal: 2} as const;
/** Pixels of a picture's longer side, at most. */
const side = 128;

export interface SideBySide {
  /** `dataset · normal class`. */
  readonly problem: string;
  /** Of the maps, a column each. */
  readonly methods: readonly Method[];
  readonly hasMasks: boolean;
  readonly rows: readonly SideBySideRow[];
}

interface Method {
  readonly name: string;
  readonly scale: HeatScale;
  readonly threshold: number;
}

export interface SideBySideRow {
  readonly name: string;
  readonly truth: 'normal' | 'anomalous';
  /** `data:` addresses: the image, its mask where images have some, and a map of each method. */
  readonly pictures: readonly string[];
  /** Of the image, by each method. */
  readonly scores: readonly number[];
}

interface Member extends Scored, Omit<Method, 'threshold'> {
  readonly problem: string;
  readonly names: ImageNames;
}

/** One for each file of test images and normal class that several methods have made maps of. `heats`: their scales. */
export async function sideBySideOf(
  closeUps: readonly CloseUp[],
  {heats}: Pick<Pictures, 'heats'>,
  artifacts: Artifacts,
): Promise<Result<readonly SideBySide[], Problem>> {
  const members: (Member & {readonly images: string})[] = [];
  for (const closeUp of closeUps)
    for (const one of closeUp.scored) {
      const {task, method} = closeUp;
      const scale = heats.get(closeUp)?.get(one.classifier)?.scale;
      const file = scale && (await imagesOf(one, artifacts));
      if (!file) continue;
      if (!file.ok) return file;
      const problem = `${task.dataset.type} · ${task.inlier}`;
      const how = task.localize?.type === 'patches' ? `windows ${one.classifier}` : one.classifier;
      // The kind of map is told by the classifier's column.
      const name = `${method.replace(/ localize=\S+/, '')}: ${how}`;
      members.push({...one, name, problem, scale, names: imageNames(closeUp, one), images: file.value});
    }
  const found: SideBySide[] = [];
  for (const same of groupBy(members, ({problem, images}) => `${problem}\n${images}`).values()) {
    if (same.length < 2) continue;
    const made = await rowsOf(same.slice(0, mostMethods), same[0]!.images, artifacts);
    if (!made.ok) return made;
    found.push(made.value);
  }
  return succeed(found);
}

async function rowsOf(
  members: readonly Member[],
  path: string,
  artifacts: Artifacts,
): Promise<Result<SideBySide, Problem>> {
  const wanted = new Set(chosen(members));
  const rows = new Map<number, Picture[]>();
  let hasMasks = false;
  let first = 0;
  for await (const batch of readImages(path)) {
    hasMasks = batch.masks !== undefined;
    for (let i = 0; i < batch.count; i++) {
      if (!wanted.has(first + i)) continue;
      const picture = pictureOf(batch, i);
      const area = picture.height * picture.width;
      const mask = batch.masks?.subarray(i * area, (i + 1) * area);
      rows.set(first + i, [picture, ...(mask ? [white(picture, mask)] : [])]);
    }
    first += batch.count;
  }
  for (const {stage, scale} of members) {
    const file = await artifacts.file(stage, 'maps.arrow');
    if (!file.ok) return file;
    const maps = await readMaps(file.value);
    const area = maps.height * maps.width;
    for (const [image, pictures] of rows)
      pictures.push(painted(maps.data.subarray(image * area, (image + 1) * area), maps, scale, heatColours()));
  }
  const {names, problem} = members[0]!;
  const shown: SideBySideRow[] = [];
  for (const image of wanted) {
    const addresses: string[] = [];
    for (const picture of rows.get(image)!)
      addresses.push(
        `data:image/webp;base64,${Buffer.from(await encodeWebp(shrunk(picture, side))).toString('base64')}`,
      );
    const scores = members.map((member) => member.scores[image]!);
    shown.push({name: names.file(image), truth: names.truth(image), pictures: addresses, scores});
  }
  const methods = members.map(({name, scale, threshold}) => ({name, scale, threshold: threshold.score}));
  return succeed({problem, methods, hasMasks, rows: shown});
}

/** By the mean of the methods' ranks: anomalous images that score highest and lowest, normal ones that score highest. */
function chosen(members: readonly Member[]): readonly number[] {
  const {labels} = members[0]!;
  const total = new Float64Array(labels.length);
  for (const {scores} of members)
    for (const [rank, image] of [...scores.keys()].sort((a, b) => scores[a]! - scores[b]!).entries())
      total[image]! += rank;
  const descending = [...total.keys()].sort((a, b) => total[b]! - total[a]!);
  const [good, bad] = [0, 1].map((label) => descending.filter((image) => labels[image] === label));
  const found = bad!.slice(0, images.found);
  return [...found, ...bad!.slice(found.length).slice(-images.missed), ...good!.slice(0, images.normal)];
}

const white = ({height, width}: Picture, mask: Uint8Array): Picture => ({
  height,
  width,
  pixels: Uint8Array.from({length: 3 * mask.length}, (_, i) => 255 * mask[Math.floor(i / 3)]!),
});

/** Undefined where no images have maps of several methods. */
export function sideBySideSection(found: readonly SideBySide[]): Markup | undefined {
  if (found.length === 0) return undefined;
  return html`<p class="muted">The same test images: those that score highest and lowest by the mean of the methods' ranks, and the normal ones that score highest. All maps of a method have its scale, which goes by the pixels of its normal images: the same colour is as rare among them in every column.</p>${found.map(oneView)}`;
}

function oneView({problem, methods, hasMasks, rows}: SideBySide): Markup {
  const columns = ['image', ...(hasMasks ? ['mask'] : []), ...methods.map(({name}) => name)];
  const firstMap = columns.length - methods.length;
  const said = ({name, truth, scores}: SideBySideRow, column: number): Markup | false => {
    if (column === 0) return html`<span class="key ${truth}"></span> ${name}`;
    const method = methods[column - firstMap];
    if (!method) return false;
    const score = scores[column - firstMap]!;
    return html`${scoreText(score)}, ${score >= method.threshold ? 'above' : 'below'}`;
  };
  return html`<section class="gallery maps">
<h3>${problem}</h3><div class="scales">${methods.map(({name, scale, threshold}) => scaleBar(scale, threshold, html`<strong>${name}</strong>: score of a pixel, and the share of normal pixels that are lower.`))}</div>
<div class="scroll" tabindex="0" role="group" aria-label="Maps of ${problem}"><table>
<caption>Under each map: the score of the image, above or below the method's threshold</caption>
<thead><tr>${columns.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.pictures.map((picture, column) => html`<td><img src="${picture}" decoding="async" alt="${columns[column]} of ${row.name}"><span class="small muted">${said(row, column)}</span></td>`)}</tr>`)}</tbody>
</table></div></section>`;
}
