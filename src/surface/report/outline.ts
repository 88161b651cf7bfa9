/** The outline of a mask as an SVG path. */

/** Cells along the longer side of what is traced: finer than that no thumbnail is. */
const cells = 96;

/**
 * Along the edges between marked cells and others, in a square of 100 × 100 whatever the mask's shape. `mask`: (height, width), 1 = marked.
 * A cell is marked if one of its pixels is: a scratch of one pixel is seen.
 */
export function outlineOf(mask: Uint8Array, height: number, width: number): string {
  const factor = Math.max(1, Math.max(height, width) / cells);
  const [rows, columns] = [Math.ceil(height / factor), Math.ceil(width / factor)];
  const marked = new Uint8Array(rows * columns);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if (mask[y * width + x] !== 0) marked[Math.floor(y / factor) * columns + Math.floor(x / factor)] = 1;
  const at = (y: number, x: number): boolean =>
    y >= 0 && x >= 0 && y < rows && x < columns && marked[y * columns + x] === 1;
  const text = (value: number): string => String(Math.round(value * 10) / 10);
  const [right, down] = [100 / columns, 100 / rows];
  let path = '';
  // Runs along each line between cells, first across, then down.
  for (let y = 0; y <= rows; y++)
    for (let x = 0, from = 0; x <= columns; x++) {
      const edge = x < columns && at(y - 1, x) !== at(y, x);
      if (!edge) {
        if (x > from) path += `M${text(from * right)} ${text(y * down)}H${text(x * right)}`;
        from = x + 1;
      }
    }
  for (let x = 0; x <= columns; x++)
    for (let y = 0, from = 0; y <= rows; y++) {
      const edge = y < rows && at(y, x - 1) !== at(y, x);
      if (!edge) {
        if (y > from) path += `M${text(x * right)} ${text(from * down)}V${text(y * down)}`;
        from = y + 1;
      }
    }
  return path;
}
