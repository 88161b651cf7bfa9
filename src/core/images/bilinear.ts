/** Small maps → maps of the size of the image, by bilinear interpolation between the middles of their cells (docs/paper-notes.md 3.5, GradCAM). */

interface Size {
  readonly height: number;
  readonly width: number;
}

/** Row-major, `channels` numbers a cell. Beyond the outermost middles the nearest cell's value. */
export function enlarged(map: ArrayLike<number>, from: Size, to: Size, channels = 1): Float32Array {
  const down = axisOf(from.height, to.height);
  const across = axisOf(from.width, to.width);
  const large = new Float32Array(to.height * to.width * channels);
  let at = 0;
  for (const {first: top, second: bottom, share: v} of down)
    for (const {first: left, second: right, share: u} of across) {
      const cell = (y: number, x: number): number => (y * from.width + x) * channels;
      const [a, b, c, d] = [cell(top, left), cell(top, right), cell(bottom, left), cell(bottom, right)];
      for (let i = 0; i < channels; i++) {
        const above = (1 - u) * map[a + i]! + u * map[b + i]!;
        const below = (1 - u) * map[c + i]! + u * map[d + i]!;
        large[at++] = (1 - v) * above + v * below;
      }
    }
  return large;
}

interface Between {
  readonly first: number;
  readonly second: number;
  /** Of the second. */
  readonly share: number;
}

const axisOf = (from: number, to: number): readonly Between[] =>
  Array.from({length: to}, (_, i) => {
    const at = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5));
    const first = Math.floor(at);
    return {first, second: Math.min(from - 1, first + 1), share: at - first};
  });
