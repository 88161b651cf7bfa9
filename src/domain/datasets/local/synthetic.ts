import {Rng} from '../../../core/base/random.ts';
import {succeed} from '../../../core/base/result.ts';
import type {Dataset, ImageBatch, Split} from '../../../core/contracts/dataset.ts';
import {defineDataset} from '../../../core/contracts/dataset.ts';
import {Type} from '../../../core/plugin/type.ts';
import {oneVersusRest} from '../one-class.ts';

/** How much foreground (0 to 1) is at (x, y). The image covers [0, 1) in both directions. */
type Pattern = (x: number, y: number) => number;

const wave = (phase: number): number => 0.5 + 0.5 * Math.sin(2 * Math.PI * phase);

/** Waves that run in the direction `angle` (radians), up to 9 degrees off, with random width and position. */
function stripes(angle: number, rng: Rng): Pattern {
  const turned = angle + rng.uniform(-0.15, 0.15);
  const waves = rng.uniform(3, 6);
  const [along, across, shift] = [waves * Math.cos(turned), waves * Math.sin(turned), rng.uniform()];
  return (x, y) => wave(x * along + y * across + shift);
}

/** `draw` chooses what is random in one image of a class. Classes differ in their patterns, not in colours. */
const textures: readonly (readonly [name: string, draw: (rng: Rng) => Pattern])[] = [
  ['stripes', (rng) => stripes(Math.PI / 2, rng)],
  [
    'checkers',
    (rng) => {
      const fields = rng.uniform(2, 4);
      const [left, top] = [rng.uniform(), rng.uniform()];
      const odd = (at: number) => Math.floor(2 * at) & 1;
      return (x, y) => odd(x * fields + left) ^ odd(y * fields + top);
    },
  ],
  [
    'blobs',
    (rng) => {
      const blobs = Array.from({length: 3 + rng.integer(4)}, () => ({
        x: rng.uniform(),
        y: rng.uniform(),
        radius: rng.uniform(0.06, 0.16),
      }));
      const near = (x: number, y: number, blob: (typeof blobs)[number]) =>
        Math.exp(-((x - blob.x) ** 2 + (y - blob.y) ** 2) / (2 * blob.radius ** 2));
      return (x, y) => blobs.reduce((most, blob) => Math.max(most, near(x, y, blob)), 0);
    },
  ],
  [
    'rings',
    (rng) => {
      const [left, top] = [rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.7)];
      const [waves, shift] = [rng.uniform(4, 8), rng.uniform()];
      return (x, y) => wave(Math.hypot(x - left, y - top) * waves + shift);
    },
  ],
  ['diagonals', (rng) => stripes(Math.PI / 4, rng)],
  [
    'dots',
    (rng) => {
      const waves = rng.uniform(3, 6);
      const [left, top] = [rng.uniform(), rng.uniform()];
      return (x, y) => (wave(x * waves + left) * wave(y * waves + top)) ** 2;
    },
  ],
  [
    'ramp',
    (rng) => {
      const angle = rng.uniform(0, 2 * Math.PI);
      const [right, down] = [Math.cos(angle), Math.sin(angle)];
      return (x, y) => 0.5 + ((x - 0.5) * right + (y - 0.5) * down) / Math.SQRT2;
    },
  ],
  ['noise', (rng) => () => rng.uniform()],
];

const batch = 256;

export const synthetic = defineDataset({
  name: 'synthetic',
  version: 1,
  summary: 'Drawn textures in random colours, for first experiments; one against the rest. Needs no files.',
  options: Type.Object(
    {
      size: Type.Integer({minimum: 4, maximum: 512, default: 32, description: 'Height and width.'}),
      train: Type.Integer({minimum: 1, maximum: 100_000, default: 200, description: 'Training images of each class.'}),
      test: Type.Integer({minimum: 1, maximum: 100_000, default: 200, description: 'Test images of each class.'}),
      classes: Type.Integer({
        minimum: 2,
        maximum: textures.length,
        default: 4,
        description: `How many of: ${textures.map(([name]) => name).join(', ')}.`,
      }),
      seed: Type.Integer({minimum: 0, default: 0, description: 'Another seed draws other images.'}),
      defects: Type.Boolean({
        default: false,
        description:
          'Instead of one texture against the rest: test images of the texture itself, every other one with a blot, and masks ' +
          'of the blots. Each texture is a separate category, as in MVTec.',
      }),
    },
    {additionalProperties: false},
  ),
  create: (options) => ({
    ...(options.defects ? categories(options.classes) : oneVersusRest(names(options.classes))),
    shape: {height: options.size, width: options.size, channels: 3},
    trainImages: () => options.train,
    locate: () => Promise.resolve(succeed([])),
    async *read(_files, split, inlier) {
      if (options.defects) {
        yield* readCategory(options, split, inlier);
        return;
      }
      const {size, classes, seed} = options;
      const total = options[split] * classes;
      for (let first = 0; first < total; first += batch) {
        const count = Math.min(batch, total - first);
        const pixels = new Uint8Array(count * size * size * 3);
        for (let i = 0; i < count; i++) {
          const rng = new Rng(`synthetic/${seed}/${split}/${first + i}`);
          const [, draw] = textures[(first + i) % classes]!;
          const image = pixels.subarray(i * size * size * 3, (i + 1) * size * size * 3);
          paint(draw(rng), size, image, rng);
        }
        yield {
          shape: {height: size, width: size, channels: 3},
          count,
          pixels,
          classes: Int32Array.from({length: count}, (_, i) => (first + i) % classes),
        } satisfies ImageBatch;
      }
    },
  }),
});

const names = (count: number): readonly string[] => textures.slice(0, count).map(([name]) => name);

const categories = (count: number): Pick<Dataset, 'inliers' | 'classes' | 'perInlier' | 'normalClass' | 'masks'> => ({
  inliers: names(count),
  classes: ['good', 'defect'],
  perInlier: true,
  masks: true,
  normalClass: () => 'good',
});

/** Images of one texture. Every second test image has a blot. */
async function* readCategory(
  {
    size,
    seed,
    ...options
  }: {readonly size: number; readonly seed: number; readonly train: number; readonly test: number},
  split: Split,
  inlier: string,
): AsyncIterable<ImageBatch> {
  const [, draw] = textures.find(([name]) => name === inlier)!;
  for (let first = 0; first < options[split]; first += batch) {
    const count = Math.min(batch, options[split] - first);
    const pixels = new Uint8Array(count * size * size * 3);
    const masks = new Uint8Array(count * size * size);
    const classes = Int32Array.from({length: count}, (_, i) => (split === 'test' ? (first + i) % 2 : 0));
    for (let i = 0; i < count; i++) {
      const rng = new Rng(`synthetic/${seed}/${split}/${inlier}/${first + i}`);
      const image = pixels.subarray(i * size * size * 3, (i + 1) * size * size * 3);
      paint(draw(rng), size, image, rng);
      if (classes[i] === 1) blot(size, image, masks.subarray(i * size * size, (i + 1) * size * size), rng);
    }
    yield {shape: {height: size, width: size, channels: 3}, count, pixels, classes, ...(split === 'test' && {masks})};
  }
}

/** Draws a disc of one colour wholly inside the image, an eighth to a quarter of its width. Sets the mask to 1 where the disc is. */
function blot(size: number, image: Uint8Array, mask: Uint8Array, rng: Rng): void {
  const radius = (size * rng.uniform(1 / 8, 1 / 4)) / 2;
  const [x, y] = [rng.uniform(radius, size - radius), rng.uniform(radius, size - radius)];
  const colour = [rng.integer(256), rng.integer(256), rng.integer(256)];
  for (let i = 0; i < mask.length; i++) {
    if (Math.hypot((i % size) + 0.5 - x, Math.floor(i / size) + 0.5 - y) > radius) continue;
    mask[i] = 1;
    image.set(colour, 3 * i);
  }
}

/** Paints the pattern with two colours that are clearly different, and adds a little noise. */
function paint(pattern: Pattern, size: number, to: Uint8Array, rng: Rng): void {
  const dark = [rng.uniform(0, 0.35), rng.uniform(0, 0.35), rng.uniform(0, 0.35)];
  const light = [rng.uniform(0.5, 1), rng.uniform(0.5, 1), rng.uniform(0.5, 1)];
  const [back, front] = rng.uniform() < 0.5 ? [dark, light] : [light, dark];
  let at = 0;
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const part = pattern((x + 0.5) / size, (y + 0.5) / size);
      const noise = 0.02 * rng.normal();
      for (let c = 0; c < 3; c++) {
        const value = back[c]! + (front[c]! - back[c]!) * part + noise;
        to[at++] = Math.round(255 * Math.min(1, Math.max(0, value)));
      }
    }
}
