/** Below this, V8's own sort is as fast. */
const smallest = 2048;
const digitBits = 11;
const digits = 1 << digitBits;
const mask = digits - 1;

/** Sorts numbers without NaN, ascending: by radix for long arrays. May return its argument, and always overwrites it. */
export function sortAscending(values: Float64Array): Float64Array {
  return values.length < smallest ? values.sort() : signedOrder(radixSort(values));
}

/**
 * The same in single precision, twice as fast: there may be ten million scores of pixels. `scratch` has the same length, for moving
 * values; both arrays are overwritten, and either may be returned.
 */
export function sortSingles(values: Float32Array, scratch = new Float32Array(values.length)): Float32Array {
  if (values.length < smallest) return values.sort();
  // Keys in the order of the numbers: a negative one has all bits turned, another the highest. All digits are counted in one pass,
  // and the last pass that moves them turns keys into numbers again: the speed is limited by memory.
  const keys = new Int32Array(values.buffer, values.byteOffset, values.length);
  const [low, middle, high] = [new Uint32Array(digits), new Uint32Array(digits), new Uint32Array(digits)];
  for (let i = 0; i < keys.length; i++) {
    const bits = keys[i]!;
    const key = bits ^ ((bits >> 31) | -0x80000000);
    keys[i] = key;
    low[key & mask]!++;
    middle[(key >>> digitBits) & mask]!++;
    high[key >>> (2 * digitBits)]!++;
  }
  let from: Int32Array = keys;
  let to: Int32Array = new Int32Array(scratch.buffer, scratch.byteOffset, scratch.length);
  for (const [pass, starts] of [low, middle].entries()) {
    const shift = pass * digitBits;
    if (!toStarts(starts, (from[0]! >>> shift) & mask)) continue;
    for (let i = 0; i < from.length; i++) {
      const key = from[i]!;
      to[starts[(key >>> shift) & mask]!++] = key;
    }
    [from, to] = [to, from];
  }
  toStarts(high, -1);
  for (let i = 0; i < from.length; i++) {
    const key = from[i]!;
    to[high[key >>> (2 * digitBits)]!++] = key ^ (~(key >> 31) | -0x80000000);
  }
  return new Float32Array(to.buffer, to.byteOffset, to.length);
}

/** Counts of digits → where each begins; false where all values share one, `first`. */
function toStarts(counts: Uint32Array, first: number): boolean {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (counts[first] === total) return false;
  let start = 0;
  for (let digit = 0; digit < digits; digit++) {
    const count = counts[digit]!;
    counts[digit] = start;
    start += count;
  }
  return true;
}

/**
 * By the bits read as unsigned integers, 11 at a time from the lowest. A digit that all values share is skipped: scores that
 * were float32 need half of the passes.
 */
function radixSort(values: Float64Array): Float64Array {
  let from = values;
  let to: Float64Array = new Float64Array(values.length);
  for (let pass = 0; pass < 6; pass++) {
    const word = pass < 3 ? 0 : 1;
    const shift = digitBits * (pass % 3);
    const words = new Uint32Array(from.buffer, from.byteOffset, 2 * from.length);
    const starts = new Uint32Array(digits);
    for (let i = word; i < words.length; i += 2) starts[(words[i]! >>> shift) & mask]!++;
    if (!toStarts(starts, (words[word]! >>> shift) & mask)) continue;
    for (let i = 0; i < from.length; i++) to[starts[(words[2 * i + word]! >>> shift) & mask]!++] = from[i]!;
    [from, to] = [to, from];
  }
  return from;
}

/** Bits in unsigned order put the negative numbers last and backwards. */
function signedOrder(values: Float64Array): Float64Array {
  const n = values.length;
  let low = 0;
  let high = n;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! < 0 || Object.is(values[middle], -0)) high = middle;
    else low = middle + 1;
  }
  if (low === n) return values;
  const negative = values.slice(low).reverse();
  values.copyWithin(negative.length, 0, low);
  values.set(negative);
  return values;
}
