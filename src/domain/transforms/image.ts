import type {FloatImage, ImageSet} from '../../core/contracts/data.ts';

/** Image `index` as the learners see it: float32 [0, 1], (h, w, 3); a grey one is copied to three channels. */
export function floatImage(images: ImageSet, index: number): FloatImage {
  const {height, width, channels} = images.shape;
  const size = height * width;
  const data = new Float32Array(size * 3);
  if (channels === 3) {
    const start = index * size * 3;
    for (let i = 0; i < size * 3; i++) data[i] = images.pixels[start + i]! / 255;
  } else {
    const start = index * size;
    for (let i = 0, to = 0; i < size; i++, to += 3) {
      const value = images.pixels[start + i]! / 255;
      data[to] = value;
      data[to + 1] = value;
      data[to + 2] = value;
    }
  }
  return {height, width, channels: 3, data};
}
