import type {Encoder, FloatImage, ImageSet, Matrix, NamedArrays} from '../../core/plugin/contracts.ts';
import {type Tensor2D, type Tensor4D, tf} from '../../core/tensor/engine.ts';
import {disposeWeights, type Weights, weightsFromArrays} from '../../core/tensor/layers.ts';
import {floatImage} from '../transforms/image.ts';

/** Float images (n, h, w, 3) → (n, columns), each row of its own image alone. */
export type Layer = (weights: Weights, x: Tensor4D) => Tensor2D;

/** Pixels that go through the network at once: bounds its activations, each 256 bytes a pixel in ResNet-18's first stage. */
export const pixelsAtOnce = 64 * 32 * 32;

/** An encoder over saved weights: uint8 images in, one of `layers` out, batch by batch. */
export function openEncoder(arrays: NamedArrays, layers: {readonly [name: string]: Layer}): Encoder {
  const weights = weightsFromArrays(arrays);
  return {
    async embed(images, name, view): Promise<Matrix> {
      const layer = layers[name];
      if (!layer) throw new Error(`no layer "${name}"; known: ${Object.keys(layers).join(', ')}`);
      const {height, width} = images.shape;
      const atOnce = Math.max(1, Math.floor(pixelsAtOnce / (height * width)));
      let data: Float32Array | undefined;
      let columns = 0;
      for (let from = 0; from < images.count; from += atOnce) {
        const count = Math.min(atOnce, images.count - from);
        const y = tf.tidy(() =>
          layer(weights, tf.tensor4d(floatImages(images, from, count, view), [count, height, width, 3])),
        );
        columns = y.shape[1];
        const features = y.dataSync<'float32'>(); // not inside tidy, which would look at every number of it
        y.dispose();
        data ??= new Float32Array(images.count * columns);
        data.set(features, from * columns);
      }
      return {rows: images.count, columns, data: data ?? new Float32Array(0)};
    },
    dispose: () => disposeWeights(weights),
  };
}

/** `count` images from index `from` on, as the network sees them, one behind the other. */
function floatImages(
  images: ImageSet,
  from: number,
  count: number,
  view: (image: FloatImage, index: number) => FloatImage = (image) => image,
): Float32Array {
  const size = images.shape.height * images.shape.width * 3;
  const data = new Float32Array(count * size);
  for (let i = 0; i < count; i++) data.set(view(floatImage(images, from + i), from + i).data, i * size);
  return data;
}

/** Side of square images; throws for others, which no network here is made for. */
export function sideOf({shape: {height, width}}: ImageSet): number {
  if (height !== width) throw new Error(`networks take square images, but these are ${width}×${height} pixels`);
  return height;
}
