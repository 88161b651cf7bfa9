import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {succeed} from '../../../core/base/result.ts';
import type {ImageBatch, SourceFile, Split} from '../../../core/contracts/dataset.ts';
import {defineDataset} from '../../../core/contracts/dataset.ts';
import {Type} from '../../../core/plugin/type.ts';
import {oneVersusRest} from '../one-class.ts';
import {readIdx} from '../readers/idx.ts';
import {locateFiles, type Publication} from '../readers/locate.ts';

/** Names of the classes in the order of the labels 0 to 9. */
const classes = [
  't-shirt',
  'trouser',
  'pullover',
  'dress',
  'coat',
  'sandal',
  'shirt',
  'sneaker',
  'bag',
  'ankle-boot',
] as const;

const names = {
  train: {images: 'train-images-idx3-ubyte.gz', labels: 'train-labels-idx1-ubyte.gz'},
  test: {images: 't10k-images-idx3-ubyte.gz', labels: 't10k-labels-idx1-ubyte.gz'},
} as const;

/** Numbers of images, and SHA-256 of the unpacked files: Debian packs them itself, so its `.gz` files have other bytes. */
const editions = {
  full: {
    train: {
      count: 60_000,
      images: 'c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888',
      labels: 'bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9',
    },
    test: {
      count: 10_000,
      images: '5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b',
      labels: '0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34',
    },
  },
  small: {
    train: {
      count: 5000,
      images: '444ed5f7ce17397f236f5eba17dd507d3f6912f04edd3e4f1701cdf82f2cc0c5',
      labels: '35d691216f65485d010cc635af5574a9dc04aa5060de9be64ab6e5cb5ead38e9',
    },
    test: {
      count: 1000,
      images: '7cee33c3c6414b1b86c25e665a6c4f41584269de3b7cc9768b1d351922845eef',
      labels: '3128d790775889812b73c4f13923559c8b9e281d112c6ea7862acf60a206a909',
    },
  },
} as const;

const publication: Publication = {
  folder: 'fashion-mnist',
  files: [
    {
      name: names.train.images,
      bytes: 26_421_880,
      sha256: '3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84',
    },
    {
      name: names.train.labels,
      bytes: 29_515,
      sha256: 'a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845',
    },
    {
      name: names.test.images,
      bytes: 4_422_102,
      sha256: '346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073',
    },
    {
      name: names.test.labels,
      bytes: 5148,
      sha256: '67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5',
    },
  ],
  system: ['/usr/share/datasets/fashion-mnist'],
  // The first two are the same bucket of Zalando. The second has no TLS, but we verify checksums.
  urls: [
    'https://fashion-mnist.s3.eu-central-1.amazonaws.com/',
    'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/',
    'https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/',
  ],
  remedy: 'run "sudo apt install dataset-fashion-mnist" on Debian or Ubuntu',
};

/** The subset in the repository. The relative path is right both in `src/` and in `dist/`. */
const small = fileURLToPath(new URL('../../../../data/fashion-mnist-small', import.meta.url));

/** Published side, stored side, and width of the zeros around, in pixels: the papers use every dataset at 32 or 64 pixels. */
const inner = 28;
const side = 32;
const margin = (side - inner) / 2;
const batch = 1000;

export const fashionMnist = defineDataset({
  name: 'fashion-mnist',
  version: 1,
  summary: 'Ten kinds of clothing, grey, 28 × 28 in a frame of zeros to 32 × 32; one against the rest.',
  paper: 'Xiao et al. 2017',
  options: Type.Object(
    {
      edition: Type.Union([Type.Literal('full'), Type.Literal('small')], {
        default: 'full',
        description:
          'full: 60 000 + 10 000 images as published. small: the first 500 + 100 of each class, which come with this ' +
          'program; their AUCs are not comparable with published ones.',
      }),
    },
    {additionalProperties: false},
  ),
  create: ({edition}) => ({
    ...oneVersusRest(classes),
    shape: {height: side, width: side, channels: 1},
    trainImages: () => editions[edition].train.count / classes.length,
    preparation: [
      {step: 'resize', height: inner, width: inner, interpolation: 'bicubic'},
      {step: 'frame', height: side, width: side},
    ],
    async locate(roots) {
      if (edition === 'full') return locateFiles(roots, publication);
      return succeed(publication.files.map(({name}) => ({name, path: join(small, name)})));
    },
    async *read(files, split) {
      const {count, images, labels} = editions[edition][split];
      const all = new Uint8Array(count);
      let at = 0;
      for await (const part of readIdx(pathOf(files, split, 'labels'), {shape: [count], sha256: labels}, count)) {
        all.set(part, at);
        at += part.length;
      }
      at = 0;
      const content = {shape: [count, inner, inner], sha256: images};
      for await (const part of readIdx(pathOf(files, split, 'images'), content, batch)) {
        const next = framed(part);
        yield {...next, classes: Int32Array.from(all.subarray(at, at + next.count))};
        at += next.count;
      }
    },
  }),
});

function pathOf(files: readonly SourceFile[], split: Split, what: 'images' | 'labels'): string {
  const file = files.find(({name}) => name === names[split][what]);
  if (!file) throw new Error(`Internal error: ${names[split][what]} is not among the files`);
  return file.path;
}

/** Puts each image into the middle of a black one. */
function framed(images: Uint8Array): Omit<ImageBatch, 'classes'> {
  const count = images.length / (inner * inner);
  const pixels = new Uint8Array(count * side * side);
  for (let row = 0; row < count * inner; row++) {
    const image = Math.floor(row / inner);
    const y = row % inner;
    const to = (image * side + y + margin) * side + margin;
    pixels.set(images.subarray(row * inner, (row + 1) * inner), to);
  }
  return {shape: {height: side, width: side, channels: 1}, count, pixels};
}
