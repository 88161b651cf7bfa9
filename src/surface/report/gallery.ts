/** Test images to look at: the highest and lowest scores, and heat maps with what they should have found. */
import {type Result, succeed} from '../../core/base/result.ts';
import {count} from '../../core/base/text.ts';
import type {ImageBatch} from '../../core/contracts/dataset.ts';
import {readImages} from '../../core/formats/arrow/images.ts';
import {readMaps} from '../../core/formats/arrow/maps.ts';
import {encodeWebp} from '../../core/images/codec.ts';
import {type Picture, pictureOf, resized} from '../../core/images/picture.ts';
import type {Problem} from '../../pipeline/failures.ts';
import {rangeOf} from '../../pipeline/stages/heat-maps.ts';
import {paint, type Range} from '../../pipeline/stages/overlay.ts';
import {html, type Markup} from '../html.ts';
import type {Artifacts} from './artifacts.ts';
import type {Scored} from './scores.ts';

/** Images at either end of the scores, and heat maps of each kind. */
const each = 8;
/** Pixels of a thumbnail's longer side, at most; and of a panel beside its heat map. */
const thumbnail = 72;
const panel = 112;

export interface Shown {
  /** Its place among the test images. */
  readonly image: number;
  readonly class: string;
  readonly anomalous: boolean;
  readonly score: number;
  /** `data:` address of the picture. */
  readonly picture: string;
  /** Its size in pixels. */
  readonly width: number;
  readonly height: number;
}

export interface Gallery {
  readonly classifier: string;
  /** By score, descending. */
  readonly most: readonly Shown[];
  /** By score, ascending. */
  readonly least: readonly Shown[];
}

/** Image, mask where there is one, map, and the map over the image, side by side. */
export interface HeatGallery {
  readonly classifier: string;
  readonly masks: boolean;
  /** Anomalous images that score highest and lowest, normal ones that score highest. */
  readonly finds: readonly Shown[];
  readonly misses: readonly Shown[];
  readonly alarms: readonly Shown[];
}

/** By the first of the classifiers whose test images are there; undefined where there is none. */
export async function galleryOf(
  scored: readonly Scored[],
  artifacts: Artifacts,
): Promise<Result<Gallery | undefined, Problem>> {
  for (const one of scored) {
    const file = await imagesOf(one, artifacts);
    if (!file) continue;
    if (!file.ok) return file;
    const ascending = ranked(one);
    const least = ascending.slice(0, each);
    const most = ascending.slice(least.length).slice(-each).reverse();
    const shown = await show(one, file.value, new Set([...least, ...most]), (images, i) =>
      shrunk(pictureOf(images, i), thumbnail),
    );
    const pick = (wanted: readonly number[]) => wanted.map((image) => shown.get(image)!);
    return succeed({classifier: one.classifier, most: pick(most), least: pick(least)});
  }
  return succeed(undefined);
}

/** One a classifier that makes heat maps. */
export async function heatGalleriesOf(
  scored: readonly Scored[],
  artifacts: Artifacts,
): Promise<Result<readonly HeatGallery[], Problem>> {
  const galleries: HeatGallery[] = [];
  for (const one of scored) {
    if (one.stage.kind !== 'localize') continue;
    const images = await imagesOf(one, artifacts);
    if (!images) continue;
    if (!images.ok) return images;
    const file = await artifacts.file(one.stage, 'maps.arrow');
    if (!file.ok) return file;
    const maps = await readMaps(file.value);
    const range = rangeOf(maps.data);
    const area = maps.height * maps.width;
    const ascending = ranked(one);
    const anomalous = ascending.filter((image) => one.labels[image] === 1);
    const finds = anomalous.slice(-each / 2).reverse();
    const misses = anomalous.slice(0, -finds.length).slice(0, each / 2);
    const alarms = ascending
      .filter((image) => one.labels[image] === 0)
      .slice(-each / 2)
      .reverse();
    let masks = false;
    const shown = await show(one, images.value, new Set([...finds, ...misses, ...alarms]), (batch, i, image) => {
      masks = batch.masks !== undefined;
      return panels(batch, i, maps.data.subarray(image * area, (image + 1) * area), range);
    });
    const pick = (wanted: readonly number[]) => wanted.map((image) => shown.get(image)!);
    const kinds = {finds: pick(finds), misses: pick(misses), alarms: pick(alarms)};
    galleries.push({classifier: one.classifier, masks, ...kinds});
  }
  return succeed(galleries);
}

const ranked = ({scores}: Scored): readonly number[] => [...scores.keys()].sort((a, b) => scores[a]! - scores[b]!);

/** The file of the test images that were scored; undefined for an ensemble, whose members' it is. */
export async function imagesOf({stage}: Scored, artifacts: Artifacts): Promise<Result<string, Problem> | undefined> {
  const embed = stage.kind === 'localize' ? stage : artifacts.maker(stage, 'test');
  const data = embed && artifacts.maker(embed, 'images');
  return data && artifacts.file(data, 'test.arrow');
}

async function show(
  {scores, labels, classes, classNames}: Scored,
  path: string,
  wanted: ReadonlySet<number>,
  draw: (images: ImageBatch, index: number, image: number) => Picture,
): Promise<ReadonlyMap<number, Shown>> {
  const shown = new Map<number, Shown>();
  let first = 0;
  for await (const images of readImages(path)) {
    for (let i = 0; i < images.count; i++) {
      const image = first + i;
      if (!wanted.has(image)) continue;
      const picture = draw(images, i, image);
      shown.set(image, {
        image,
        class: classNames[classes[image]!]!,
        anomalous: labels[image] === 1,
        score: scores[image]!,
        picture: `data:image/webp;base64,${Buffer.from(await encodeWebp(picture)).toString('base64')}`,
        width: picture.width,
        height: picture.height,
      });
    }
    first += images.count;
  }
  return shown;
}

/** Its longer side is at most `side` pixels. */
export const shrunk = (picture: Picture, side: number): Picture => {
  const factor = Math.min(1, side / Math.max(picture.height, picture.width));
  return resized(picture, Math.round(factor * picture.height), Math.round(factor * picture.width), 'area');
};

/** The image, its mask, its map and both in one picture. */
function panels(images: ImageBatch, index: number, map: Float32Array, range: Range): Picture {
  const picture = pictureOf(images, index);
  const {height, width} = picture;
  const mask = images.masks?.subarray(index * height * width, (index + 1) * height * width);
  const white = mask && {
    height,
    width,
    pixels: Uint8Array.from({length: 3 * mask.length}, (_, i) => 255 * mask[Math.floor(i / 3)]!),
  };
  const row = [picture, ...(white ? [white] : []), paint(picture, map, range, 1), paint(picture, map, range, 0.5)];
  return beside(row.map((one) => shrunk(one, panel)));
}

/** Pictures of one height in a row, with a white line between them. */
function beside(pictures: readonly Picture[]): Picture {
  const gap = 3;
  const {height} = pictures[0]!;
  const width = pictures.reduce((sum, picture) => sum + picture.width + gap, -gap);
  const pixels = new Uint8Array(3 * height * width).fill(255);
  let left = 0;
  for (const picture of pictures) {
    for (let y = 0; y < height; y++)
      pixels.set(picture.pixels.subarray(3 * y * picture.width, 3 * (y + 1) * picture.width), 3 * (y * width + left));
    left += picture.width + gap;
  }
  return {height, width, pixels};
}

const scoreText = (score: number): string =>
  (Math.abs(score) < 1e4
    ? score.toPrecision(4)
    : Math.abs(score) < 1e7
      ? count(Math.round(score))
      : score.toExponential(3)
  ).replace('-', '−');

const kindOf = ({anomalous}: Shown): string => (anomalous ? 'anomalous' : 'normal');

export const galleryView = ({classifier, most, least}: Gallery): Markup => html`<section class="gallery">
<h4>Most anomalous by ${classifier}</h4>${thumbnails(most)}
<h4>Least anomalous</h4>${thumbnails(least)}
</section>`;

const thumbnails = (images: readonly Shown[]): Markup =>
  html`<ul class="thumbs">${images.map(
    (
      shown,
    ) => html`<li class="${kindOf(shown)}"><img src="${shown.picture}" width="${shown.width}" height="${shown.height}" decoding="async" alt="Test image ${shown.image}, ${kindOf(shown)}: ${shown.class}">
<span><span class="key ${kindOf(shown)}"></span> ${shown.class}</span><span class="muted number">${scoreText(shown.score)}</span></li>`,
  )}</ul>`;

export function heatView({classifier, masks, finds, misses, alarms}: HeatGallery): Markup {
  const names = ['image', ...(masks ? ['mask'] : []), 'map', 'map over image'].join(', ');
  const rows = [
    ['Found: anomalous images that score highest', finds],
    ['Missed: anomalous images that score lowest', misses],
    ['False alarms: normal images that score highest', alarms],
  ] as const;
  return html`<section class="heat">
<h4>Heat maps by ${classifier}</h4><p class="muted small">Side by side: ${names}. One scale for all, from the median of all pixels (blue) to the highest thousandth (red).</p>
${rows.map(([title, images]) => images.length > 0 && html`<h5>${title}</h5><ul class="strips">${images.map((shown) => strip(shown, names))}</ul>`)}
</section>`;
}

const strip = (shown: Shown, names: string): Markup =>
  html`<li><img src="${shown.picture}" width="${shown.width}" height="${shown.height}" decoding="async" alt="Test image ${shown.image}, ${kindOf(shown)}: ${names}">
<span class="small muted"><span class="key ${kindOf(shown)}"></span> ${shown.class}, no. ${shown.image}, score ${scoreText(shown.score)}</span></li>`;
