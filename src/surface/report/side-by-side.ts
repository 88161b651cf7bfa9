/** Heat maps of the same images by several methods, side by side: image, mask, a map each (Li et al. 2021, CutPaste: figures 4 and 7–21). */
import {groupBy} from '../../core/base/group.ts';
import {type Result, succeed} from '../../core/base/result.ts';
import {readImages} from '../../core/formats/arrow/images.ts';
import {readMaps} from '../../core/formats/arrow/maps.ts';
import {encodeWebp} from '../../core/images/codec.ts';
import {type Picture, pictureOf} from '../../core/images/picture.ts';
import type {Problem} from '../../pipeline/failures.ts';
import {rangeOf} from '../../pipeline/stages/heat-maps.ts';
import {paint} from '../../pipeline/stages/overlay.ts';
import {html, type Markup} from '../html.ts';
import type {Artifacts} from './artifacts.ts';
import type {CloseUp} from './close-up.ts';
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
  /** Of the columns: image, mask where there is one, and the methods. */
  readonly columns: readonly string[];
  readonly rows: readonly SideBySideRow[];
}

export interface SideBySideRow {
  readonly name: string;
  /** `data:` addresses, one a column. */
  readonly pictures: readonly string[];
}

interface Member extends Scored {
  readonly name: string;
  readonly problem: string;
}

/** One for each file of test images and normal class that several methods have made maps of. */
export async function sideBySideOf(
  closeUps: readonly CloseUp[],
  artifacts: Artifacts,
): Promise<Result<readonly SideBySide[], Problem>> {
  const members: (Member & {readonly images: string})[] = [];
  for (const {task, method, scored} of closeUps)
    for (const one of scored) {
      if (one.stage.kind !== 'localize') continue;
      const file = await imagesOf(one, artifacts);
      if (!file) continue;
      if (!file.ok) return file;
      const problem = `${task.dataset.type} · ${task.inlier}`;
      const how = task.localize?.type === 'patches' ? `windows ${one.classifier}` : one.classifier;
      // The kind of map is told by the classifier's column.
      const name = `${method.replace(/ localize=\S+/, '')}: ${how}`;
      members.push({...one, name, problem, images: file.value});
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
  const rows = new Map<number, {name: string; pictures: Picture[]}>();
  let masks = false;
  let first = 0;
  for await (const batch of readImages(path)) {
    masks = batch.masks !== undefined;
    for (let i = 0; i < batch.count; i++) {
      if (!wanted.has(first + i)) continue;
      const picture = pictureOf(batch, i);
      const area = picture.height * picture.width;
      const mask = batch.masks?.subarray(i * area, (i + 1) * area);
      const {classes, classNames} = members[0]!;
      rows.set(first + i, {
        name: `${classNames[classes[first + i]!]}, no. ${first + i}`,
        pictures: [picture, ...(mask ? [white(picture, mask)] : [])],
      });
    }
    first += batch.count;
  }
  for (const {stage} of members) {
    const file = await artifacts.file(stage, 'maps.arrow');
    if (!file.ok) return file;
    const maps = await readMaps(file.value);
    const range = rangeOf(maps.data);
    const area = maps.height * maps.width;
    for (const [image, {pictures}] of rows)
      pictures.push(paint(pictures[0]!, maps.data.subarray(image * area, (image + 1) * area), range, 0.5));
  }
  const shown: SideBySideRow[] = [];
  for (const image of wanted) {
    const {name, pictures} = rows.get(image)!;
    const addresses: string[] = [];
    for (const picture of pictures)
      addresses.push(
        `data:image/webp;base64,${Buffer.from(await encodeWebp(shrunk(picture, side))).toString('base64')}`,
      );
    shown.push({name, pictures: addresses});
  }
  const columns = ['image', ...(masks ? ['mask'] : []), ...members.map(({name}) => name)];
  return succeed({problem: members[0]!.problem, columns, rows: shown});
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
  return html`<p class="muted">The same test images, those that score highest and lowest by the mean of the methods' ranks. Each map has a scale of its own, from the median of its pixels (blue) to the highest thousandth (red).</p>
${found.map(
  ({problem, columns, rows}) => html`<section class="gallery maps">
<h3>${problem}</h3><div class="scroll" tabindex="0" role="group" aria-label="Maps of ${problem}"><table>
<thead><tr>${columns.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${rows.map(({name, pictures}) => html`<tr>${pictures.map((picture, column) => html`<td><img src="${picture}" decoding="async" alt="${columns[column]} of ${name}">${column === 0 && html`<br><span class="small muted">${name}</span>`}</td>`)}</tr>`)}</tbody>
</table></div></section>`,
)}`;
}
