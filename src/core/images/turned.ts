/** Images turned by any angle about their middle. */
import type {FloatImage} from '../contracts/data.ts';

/**
 * Turned counter-clockwise by `turn` of a full turn, in the same frame: bilinear; beyond the edge the image mirrored there, the edge
 * itself not repeated.
 */
export function turned(image: FloatImage, turn: number): FloatImage {
  const {height, width, channels, data} = image;
  const [cosine, sine] = [Math.cos(2 * Math.PI * turn), Math.sin(2 * Math.PI * turn)];
  const [middleY, middleX] = [(height - 1) / 2, (width - 1) / 2];
  const out = new Float32Array(data.length);
  let to = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      // Where it comes from: turned back. Rows count downwards. Quarter turns hit the middles of pixels, but for rounding.
      const fromX = exact(middleX + cosine * (x - middleX) - sine * (y - middleY));
      const fromY = exact(middleY + sine * (x - middleX) + cosine * (y - middleY));
      const [top, left] = [Math.floor(fromY), Math.floor(fromX)];
      const [v, u] = [fromY - top, fromX - left];
      const at = (row: number, column: number): number =>
        (mirrored(row, height) * width + mirrored(column, width)) * channels;
      const [a, b, c, d] = [at(top, left), at(top, left + 1), at(top + 1, left), at(top + 1, left + 1)];
      for (let i = 0; i < channels; i++) {
        const above = (1 - u) * data[a + i]! + u * data[b + i]!;
        const below = (1 - u) * data[c + i]! + u * data[d + i]!;
        out[to++] = (1 - v) * above + v * below;
      }
    }
  return {height, width, channels, data: out};
}

const exact = (at: number): number => (Math.abs(at - Math.round(at)) < 1e-9 ? Math.round(at) : at);

/** -1 → 1, size → size − 2, and so on, however far beyond. */
function mirrored(at: number, size: number): number {
  if (size === 1) return 0;
  const period = 2 * (size - 1);
  const within = ((at % period) + period) % period;
  return within < size ? within : period - within;
}
