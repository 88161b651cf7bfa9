/** Masks: which pixels of an image are defective, made as large as the images are. */

/** 1 = defective; `marked` is (height, width). */
export interface Mask {
  readonly height: number;
  readonly width: number;
  readonly marked: Uint8Array;
}

/**
 * By nearest neighbour (the pixel under the middle), as the field does it. A region that this would lose entirely, such as a scratch
 * of one pixel in an image that shrinks, is marked wherever a part of it lies: a defect stays one. Pixels that touch by a side or a
 * corner are one region.
 */
export function resizedMask(mask: Mask, height: number, width: number): Mask {
  if (mask.height === height && mask.width === width) return mask;
  const nearest = new Uint8Array(height * width);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(((y + 0.5) * mask.height) / height) * mask.width;
    for (let x = 0; x < width; x++)
      nearest[y * width + x] = mask.marked[row + Math.floor(((x + 0.5) * mask.width) / width)]!;
  }
  const covered = coveredBy(mask, height, width);
  for (const region of regionsOf(covered, height, width))
    if (region.every((at) => nearest[at] === 0)) for (const at of region) nearest[at] = 1;
  return {height, width, marked: nearest};
}

/** Throws when the window reaches over the mask's edge. */
export function croppedMask(
  {height, width, marked}: Mask,
  window: {readonly top: number; readonly left: number; readonly height: number; readonly width: number},
): Mask {
  const {top, left} = window;
  if (top < 0 || left < 0 || top + window.height > height || left + window.width > width)
    throw new Error(`Internal error: a window beyond a mask of ${height} × ${width}`);
  const out = new Uint8Array(window.height * window.width);
  for (let y = 0; y < window.height; y++) {
    const from = (top + y) * width + left;
    out.set(marked.subarray(from, from + window.width), y * window.width);
  }
  return {height: window.height, width: window.width, marked: out};
}

/** 1 for every pixel of the new size under which a part of a marked one lies. */
function coveredBy(mask: Mask, height: number, width: number): Uint8Array {
  const covered = new Uint8Array(height * width);
  const range = (at: number, from: number, to: number): readonly [number, number] => [
    Math.floor((at * to) / from),
    Math.min(to, Math.ceil(((at + 1) * to) / from)),
  ];
  for (let y = 0; y < mask.height; y++)
    for (let x = 0; x < mask.width; x++) {
      if (mask.marked[y * mask.width + x] === 0) continue;
      const [top, bottom] = range(y, mask.height, height);
      const [left, right] = range(x, mask.width, width);
      for (let v = top; v < bottom; v++) covered.fill(1, v * width + left, v * width + right);
    }
  return covered;
}

/** Indices of the pixels of each region. */
function regionsOf(marked: Uint8Array, height: number, width: number): readonly (readonly number[])[] {
  const seen = new Uint8Array(marked.length);
  const regions: number[][] = [];
  for (let start = 0; start < marked.length; start++) {
    if (marked[start] === 0 || seen[start] === 1) continue;
    const region = [start];
    seen[start] = 1;
    for (const at of region) {
      const [y, x] = [Math.floor(at / width), at % width];
      for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++)
        for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
          const next = v * width + u;
          if (marked[next] === 0 || seen[next] === 1) continue;
          seen[next] = 1;
          region.push(next); // the loop goes on over what is pushed
        }
    }
    regions.push(region);
  }
  return regions;
}
