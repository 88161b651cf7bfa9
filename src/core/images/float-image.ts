/** Images as learners and transforms see them, and back. */
import type {FloatImage, ImageSet, ImageShape} from '../contracts/data.ts';

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

/**
 * The bytes of a float image, uint8 (h, w, channels): values outside [0, 1] are clipped, others rounded. With one channel, colours
 * become their luma (ITU-R BT.601). Throws for an image of another size.
 */
export function imageBytes({height, width, data}: FloatImage, shape: ImageShape): Uint8Array {
  if (height !== shape.height || width !== shape.width)
    throw new Error(`expected an image of ${shape.width} × ${shape.height}, but got ${width} × ${height}`);
  const toByte = (value: number): number => Math.round(255 * Math.min(1, Math.max(0, value)));
  if (shape.channels === 3) return Uint8Array.from(data, toByte);
  return Uint8Array.from({length: height * width}, (_, i) => {
    const [r, g, b] = [data[3 * i]!, data[3 * i + 1]!, data[3 * i + 2]!];
    return toByte(r === g && g === b ? r : 0.299 * r + 0.587 * g + 0.114 * b);
  });
}
