/** Numbers from the page's data, as `page-data.ts` describes them. */

const bytesOf = (base64: string): Uint8Array => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

export function scoresOf(base64: string): Float32Array {
  const view = new DataView(bytesOf(base64).buffer);
  return Float32Array.from({length: view.byteLength / 4}, (_, i) => view.getFloat32(4 * i));
}

/** Indices of a byte each, or of two if there are more than 256 of what they count. */
export function indicesOf(base64: string, wide: boolean): Uint8Array | Uint16Array {
  const bytes = bytesOf(base64);
  return wide
    ? Uint16Array.from({length: bytes.length / 2}, (_, i) => bytes[2 * i]! | (bytes[2 * i + 1]! << 8))
    : bytes;
}
