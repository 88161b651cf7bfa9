/** Numbers from the page's data, as `page-data.ts` describes them. */

const bytesOf = (base64: string): Uint8Array => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

/** Scores from the upper three bytes of each as a float32. */
export function scoresOf(base64: string): Float32Array {
  const bytes = bytesOf(base64);
  const view = new DataView(new ArrayBuffer(4));
  return Float32Array.from({length: bytes.length / 3}, (_, i) => {
    view.setUint32(0, ((bytes[3 * i]! << 24) | (bytes[3 * i + 1]! << 16) | (bytes[3 * i + 2]! << 8)) >>> 0);
    return view.getFloat32(0);
  });
}

/** Indices of a byte each, or of two if there are more than 256 of what they count. */
export function indicesOf(base64: string, wide: boolean): Uint8Array | Uint16Array {
  const bytes = bytesOf(base64);
  return wide
    ? Uint16Array.from({length: bytes.length / 2}, (_, i) => bytes[2 * i]! | (bytes[2 * i + 1]! << 8))
    : bytes;
}
