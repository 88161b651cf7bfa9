/** Layers of trained networks, and the images that go through them at once. */
import type {FloatImage, ImageSet} from '../../core/contracts/data.ts';
import type {Tensor2D, Tensor4D} from '../../core/engine/engine.ts';
import {floatImage} from '../../core/images/float-image.ts';
import type {Weights} from '../../core/nn/layers.ts';

/** Float images (n, h, w, 3) → (n, columns), each row depends only on its own image. */
export type Layer = (weights: Weights, x: Tensor4D) => Tensor2D;

/** Pixels that go through the network at once. This limits its activations, each 256 bytes a pixel in ResNet-18's first stage. */
export const pixelsAtOnce = 64 * 32 * 32;

/** `count` images from index `from` on, as the network sees them, one after the other. */
export function floatImages(
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
