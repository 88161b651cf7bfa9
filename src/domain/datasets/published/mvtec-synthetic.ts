import {Rng} from '../../../core/base/random.ts';
import {fail, succeed} from '../../../core/base/result.ts';
import type {Dataset, ImageBatch, SourceFile} from '../../../core/contracts/dataset.ts';
import {defineDataset} from '../../../core/contracts/dataset.ts';
import {Type} from '../../../core/plugin/type.ts';
import {type Outline, outlineOf, outlines, type Planting, plant} from '../local/planted.ts';
import {readPictures} from '../readers/idx.ts';
import {partsOf} from '../readers/image-tree.ts';
import {locateFiles, type Publication} from '../readers/locate.ts';
import {mvtec} from './mvtec.ts';
import {squareOptions} from './squares.ts';

/** MNIST's test images: a digit that is drawn onto an image should not be one that a model may have been trained on. */
const digits = 't10k-images-idx3-ubyte.gz';
const mnist: Publication = {
  folder: 'mnist',
  files: [{name: digits, bytes: 1_648_877, sha256: '8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6'}],
  system: [],
  urls: ['https://ossci-datasets.s3.amazonaws.com/mnist/', 'https://storage.googleapis.com/cvdf-datasets/mnist/'],
  remedy: `get ${digits} of MNIST`,
};
const digitSide = 28;

const size = (value: number, description: string) =>
  Type.Number({exclusiveMinimum: 0, maximum: 0.7, default: value, description});

export const mvtecSynthetic = defineDataset({
  name: 'mvtec-synthetic',
  version: 1,
  summary: "MVTec AD's good images; the anomalies are copies of its good test images with a drawn defect on each.",
  paper:
    'Li et al. 2021 (CutPaste), table 6, which only gives shapes and fills; sizes, places and colours are our guesses',
  options: Type.Object(
    {
      ...squareOptions,
      shape: Type.Union(
        ['mnist', ...Object.keys(outlines)].map((name) => Type.Literal(name)),
        {default: 'square', description: 'Shape of the defects, turned by a random angle; mnist: a handwritten digit.'},
      ),
      fill: Type.Union([Type.Literal('colour'), Type.Literal('natural')], {
        default: 'colour',
        description: 'colour: one random colour; natural: the content of another place of the same image.',
      }),
      min_size: size(0.1, "Smallest side of a shape's square over the image's; uniform up to `max_size`."),
      max_size: size(0.25, 'Largest.'),
      seed: Type.Integer({minimum: 0, default: 0, description: 'Another seed puts the defects in other places.'}),
    },
    {additionalProperties: false},
  ),
  create({shape, fill, min_size, max_size, seed, ...options}): Dataset {
    const base = mvtec.create(options);
    const [normal] = base.classes;
    return {
      ...base,
      classes: [normal!, 'defect'],
      async locate(roots, inlier) {
        const [category, pictures] = [
          await base.locate(roots, inlier),
          shape === 'mnist' ? await locateFiles(roots, mnist) : succeed([]),
        ];
        if (!category.ok || !pictures.ok)
          return fail(...[category, pictures].flatMap((found) => (found.ok ? [] : found.failures)));
        const isGood = ({name}: SourceFile): boolean => partsOf(name).folder === base.normalClass(inlier);
        return succeed([...category.value.filter(isGood), ...pictures.value]);
      },
      async *read(files, split, inlier) {
        if (split === 'train') return yield* base.read(files, split, inlier);
        const outlineFor = await outlinesOf(shape as string, files);
        let index = 0;
        for await (const batch of base.read(files, split, inlier)) {
          // Made before the batch is given away, because its receiver may write into it.
          const defective = planted(batch, () => {
            const rng = new Rng(`mvtec-synthetic/${seed}/${inlier}/${index++}`);
            return [{outline: outlineFor(rng.fork('digit')), fill, sizes: [min_size, max_size]}, rng];
          });
          yield batch;
          yield defective;
        }
      },
    };
  },
});

/** Returns a function that draws an outline of the shape. */
async function outlinesOf(shape: string, files: readonly SourceFile[]): Promise<(rng: Rng) => Outline> {
  if (shape !== 'mnist') return () => outlines[shape as keyof typeof outlines];
  const pictures = await readPictures(files.find(({name}) => name === digits)!.path, digitSide);
  return (rng) => outlineOf(pictures[rng.integer(pictures.length)]!, digitSide);
}

/** Copies of normal images, each with a defect. */
function planted(batch: ImageBatch, draw: () => readonly [Planting, Rng]): ImageBatch {
  const {count, shape} = batch;
  const area = shape.height * shape.width;
  const pixels = batch.pixels.slice();
  const masks = new Uint8Array(count * area);
  for (let i = 0; i < count; i++) {
    const [planting, rng] = draw();
    const image = pixels.subarray(3 * i * area, 3 * (i + 1) * area);
    plant(image, masks.subarray(i * area, (i + 1) * area), shape.height, planting, rng);
  }
  return {...batch, pixels, masks, classes: new Int32Array(count).fill(1)};
}
