/** Which files of a folder are images: one rule, for datasets and for pictures from anywhere. */
import {readdirSync, statSync} from 'node:fs';
import {extname, join} from 'node:path';
import {clippedList, plural} from '../base/text.ts';

/** By its name a file claims to be an image. The last ones are not read: they are refused by name rather than left out. */
const extensions = new Set([
  ...['.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.webp', '.tif', '.tiff', '.bmp', '.dib'],
  ...['.gif', '.heic', '.heif', '.avif'],
]);

/** What file managers leave in folders. */
const litter = /^(\..*|Thumbs\.db|ehthumbs\.db|desktop\.ini|__MACOSX)$/i;

/** Names in a folder, each list sorted by code unit. Links count as what they lead to. */
export interface Contents {
  readonly folders: readonly string[];
  /** Files with an extension of images. */
  readonly images: readonly string[];
  readonly others: readonly string[];
  /** Hidden files and folders, and what file managers leave. */
  readonly litter: readonly string[];
  /** Links to nothing, special files, and what has a name that Node can't read (`isReadable`). */
  readonly broken: readonly string[];
}

/** Of a name that is not UTF-8, Node gives another one, which leads to no file. */
export const isReadable = (name: string): boolean => !name.includes('\uFFFD');

export function contentsOf(folder: string): Contents {
  const found = {
    folders: [] as string[],
    images: [] as string[],
    others: [] as string[],
    litter: [] as string[],
    broken: [] as string[],
  };
  for (const entry of readdirSync(folder, {withFileTypes: true})) {
    const {name} = entry;
    if (litter.test(name)) {
      found.litter.push(name);
      continue;
    }
    const kind =
      entry.isSymbolicLink() || !isReadable(name) ? statSync(join(folder, name), {throwIfNoEntry: false}) : entry;
    if (kind?.isDirectory()) found.folders.push(name);
    else if (!kind?.isFile()) found.broken.push(name);
    else if (extensions.has(extname(name).toLowerCase())) found.images.push(name);
    else found.others.push(name);
  }
  for (const names of Object.values(found)) names.sort();
  return found;
}

/** Counts what was left out of folders. */
export class LeftOut {
  #hidden = 0;
  readonly #others: string[] = [];

  add({litter: hidden, others}: Contents): void {
    this.#hidden += hidden.length;
    this.#others.push(...others);
  }

  /** `left out: 3 hidden files, 2 files that are not images (a.txt, b.pdf)`; undefined: nothing was. */
  say(): string | undefined {
    const parts = [
      ...(this.#hidden > 0 ? [plural(this.#hidden, 'hidden file')] : []),
      ...(this.#others.length > 0
        ? [
            `${plural(this.#others.length, 'file that is not an image', 'files that are not images')} (${clippedList(this.#others, 4)})`,
          ]
        : []),
    ];
    return parts.length > 0 ? `left out: ${parts.join(', ')}` : undefined;
  }
}
