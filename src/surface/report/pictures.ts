/** Pictures of the test images, each dataset's once for all tasks, and of their heat maps: sheets within a budget of bytes. */
import {readImages} from '../../core/formats/arrow/images.ts';
import {type Maps, readMaps} from '../../core/formats/arrow/maps.ts';
import {type Picture, pictureOf} from '../../core/images/picture.ts';
import {pictureBudget} from './budget.ts';
import {heatColours} from './chart.ts';
import type {CloseUp} from './close-up.ts';
import {extremesOf} from './extremes.ts';
import {type HeatScale, heatScaleOf, painted} from './heat-scale.ts';
import {outlineOf} from './outline.ts';
import type {PictureData} from './page-data.ts';
import {largestSide, type Share, type Sheets, sheetsOf, shrunk} from './sheets.ts';

export interface PictureSet {
  readonly data: PictureData;
  /** Place among the test images → place on the sheets. */
  readonly slots: ReadonlyMap<number, number>;
}

export interface HeatSet {
  /** Class of its sheets, laid out as the pictures. */
  readonly style: string;
  readonly scale: HeatScale;
}

export interface Pictures {
  readonly sets: readonly PictureSet[];
  /** Of a task: index into `sets`. */
  readonly setOf: ReadonlyMap<CloseUp, number>;
  /** Of a task, by classifier. */
  readonly heats: ReadonlyMap<CloseUp, ReadonlyMap<string, HeatSet>>;
  /** The rules of the style sheet that hold the sheets. */
  readonly styles: string;
}

/** Longer side of the smallest pictures; and where all images are asked for, which are rather small than missing. */
const leastSide = 28;
const leastOfAll = 20;

/** `all`: every image is there, if the page has room for it. */
export async function picturesOf(closeUps: readonly CloseUp[], all: boolean): Promise<Pictures> {
  const sharing = new Map<string, CloseUp[]>();
  for (const closeUp of closeUps)
    if (closeUp.images) sharing.set(closeUp.images.path, [...(sharing.get(closeUp.images.path) ?? []), closeUp]);
  const parts = sharing.size + closeUps.reduce((sum, {maps}) => sum + maps.size, 0);
  const share: Share = {bytes: pictureBudget(closeUps, all) / parts, least: all ? leastOfAll : leastSide};
  const sets: PictureSet[] = [];
  const setOf = new Map<CloseUp, number>();
  const heats = new Map<CloseUp, Map<string, HeatSet>>();
  const styles: string[] = [];
  for (const [path, users] of sharing) {
    const style = `p${sets.length}`;
    const {set, sheets} = await drawSet(path, users, share, style);
    styles.push(stylesOf(style, sheets));
    for (const user of users) {
      setOf.set(user, sets.length);
      const made = new Map<string, HeatSet>();
      for (const [classifier, file] of user.maps) {
        const {labels} = user.scored.find((one) => one.classifier === classifier)!;
        const maps = await readMaps(file);
        const heat = {style: `${style}-m${styles.length}`, scale: heatScaleOf(maps, labels)};
        styles.push(stylesOf(heat.style, await drawMaps(maps, heat.scale, set.data.images, share)));
        made.set(classifier, heat);
      }
      heats.set(user, made);
    }
    sets.push(set);
  }
  return {sets, setOf, heats, styles: styles.join('')};
}

async function drawSet(
  path: string,
  users: readonly CloseUp[],
  share: Share,
  style: string,
): Promise<{readonly set: PictureSet; readonly sheets: Sheets}> {
  const {scored, images: test} = users[0]!;
  const count = scored[0]!.scores.length;
  const pictures: Picture[] = [];
  const outlines: {[image: number]: string} = {};
  const side = largestSide(count);
  for await (const batch of readImages(path))
    for (let i = 0; i < batch.count; i++) {
      const {height, width} = batch.shape;
      const mask = batch.masks?.subarray(i * height * width, (i + 1) * height * width);
      if (mask?.includes(1)) outlines[pictures.length] = outlineOf(mask, height, width);
      pictures.push(shrunk(pictureOf(batch, i), side));
    }
  const first = new Set(
    users.flatMap((user) => user.scored.flatMap((one) => Object.values(extremesOf(one)).flat() as readonly number[])),
  );
  let images: readonly number[] = [...pictures.keys()];
  for (;;) {
    const chosen = images.map((image) => pictures[image]!);
    // Those that are seen first are there in any case.
    const isLeast = images.length === first.size;
    const sheets = isLeast ? await fitting(chosen, share) : await sheetsOf(chosen, share);
    if (sheets.files) {
      const files = test!.files && {files: images.map((image) => test!.files!.names[image]!)};
      const {columns, rows, width, height} = sheets;
      const drawn = images.flatMap((image) => (outlines[image] === undefined ? [] : [[image, outlines[image]]]));
      const marked = drawn.length > 0 && {outlines: Object.fromEntries(drawn) as {[image: number]: string}};
      const data = {style, columns, rows, width, height, images, ...files, ...marked};
      return {set: {data, slots: new Map(images.map((image, slot) => [image, slot]))}, sheets};
    }
    // Those that are seen first, and of the others every so many.
    const others = images.filter((image) => !first.has(image));
    const room = Math.min(
      others.length - 1,
      Math.max(0, Math.floor(0.95 * (images.length - sheets.left)) - first.size),
    );
    const step = others.length / Math.max(1, room);
    const kept = Array.from({length: room}, (_, i) => others[Math.floor(i * step)]!);
    images = [...first, ...kept].sort((a, b) => a - b);
  }
}

async function drawMaps(maps: Maps, scale: HeatScale, images: readonly number[], share: Share): Promise<Sheets> {
  const area = maps.height * maps.width;
  const side = largestSide(images.length);
  const pictures = images.map((image) =>
    shrunk(painted(maps.data.subarray(image * area, (image + 1) * area), maps, scale, heatColours()), side),
  );
  // There is a map for every picture.
  return fitting(pictures, share);
}

/** As large as the budget lets them be; at the smallest size they may be somewhat larger than their share. */
async function fitting(pictures: readonly Picture[], share: Share): Promise<Sheets> {
  const sheets = await sheetsOf(pictures, share);
  if (sheets.files) return sheets;
  const small = pictures.map((picture) => shrunk(picture, share.least));
  return (await sheetsOf(small, {...share, bytes: Number.POSITIVE_INFINITY})) as Sheets;
}

/** `.p0` has what all pictures of a set have in common, `.p0-3` a sheet. */
function stylesOf(style: string, {columns, rows, width, height, files}: Sheets): string {
  const pixelated = Math.max(width, height) < 64 ? ' image-rendering: pixelated;' : '';
  const common = `.${style} { background-size: ${100 * columns}% ${100 * rows}%; aspect-ratio: ${width} / ${height};${pixelated} }\n`;
  return [
    common,
    ...files.map(
      (file, sheet) =>
        `.${style}-${sheet} { background-image: url(data:image/webp;base64,${Buffer.from(file).toString('base64')}); }\n`,
    ),
  ].join('');
}
