/** Below this, V8's own sort is as fast. */
const smallest = 2048;
const digitBits = 11;
const digits = 1 << digitBits;
const mask = digits - 1;

/** Sorts numbers without NaN, ascending: by radix for long arrays. May return its argument, and always spoils it. */
export function sortAscending(values: Float64Array): Float64Array {
  return values.length < smallest ? values.sort() : signedOrder(radixSort(values));
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
    if (starts[(words[word]! >>> shift) & mask] === values.length) continue;
    let start = 0;
    for (let digit = 0; digit < digits; digit++) {
      const count = starts[digit]!;
      starts[digit] = start;
      start += count;
    }
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
