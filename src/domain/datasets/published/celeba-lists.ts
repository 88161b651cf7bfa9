/** Reads CelebA's two lists, attributes and partition of every image. Lines end in CR LF; columns are padded with spaces. */

import {readFileSync} from 'node:fs';
import {DatasetError, whatCame} from '../dataset-error.ts';

const remedy = 'Replace it with the published file.';

export interface Face {
  /** Name of the file, such as `000001.jpg`. */
  readonly name: string;
  /** 0 training, 1 validation, 2 test. */
  readonly partition: number;
  readonly wears: boolean;
}

/**
 * Every image, in the order of the attributes' list. Throws a `DatasetError` if one of the lists is incomplete, or if they do not list
 * the same images.
 */
export function readFaces(attributesPath: string, partitionPath: string, attribute: string): readonly Face[] {
  const wrong = (came: string): DatasetError =>
    new DatasetError(
      attributesPath,
      'the number of images, the names of attributes, and a line an image',
      came,
      remedy,
    );
  const [head, names, ...lines] = linesOf(attributesPath, wrong);
  const count = Number(head);
  if (!head || !Number.isInteger(count) || count < 1) throw wrong(`its first line is "${(head ?? '').slice(0, 40)}"`);
  if (lines.length !== count) throw wrong(`it has ${lines.length} images instead of the ${count} that it says`);
  const attributes = wordsOf(names!);
  const column = attributes.indexOf(attribute);
  if (column < 0) throw wrong(`its second line has no ${attribute}`);
  const partitions = partitionsOf(partitionPath);
  if (partitions.size !== count)
    throw new DatasetError(
      partitionPath,
      `the ${count} images of list_attr_celeba.txt`,
      `it has ${partitions.size}`,
      remedy,
    );
  return lines.map((line, i) => {
    const {words, first: name, wanted: value} = wordsAt(line, column + 1);
    if (words !== attributes.length + 1 || (value !== '1' && value !== '-1'))
      throw wrong(`line ${i + 3} is "${line.slice(0, 40)}"`);
    const partition = partitions.get(name);
    if (partition === undefined)
      throw new DatasetError(partitionPath, `the images of list_attr_celeba.txt`, `it has no ${name}`, remedy);
    return {name, partition, wears: value === '1'};
  });
}

function partitionsOf(path: string): ReadonlyMap<string, number> {
  const wrong = (came: string): DatasetError =>
    new DatasetError(path, 'lines of an image and its part, 0, 1 or 2', came, remedy);
  return new Map(
    linesOf(path, wrong).map((line, i) => {
      const [name, part, ...rest] = wordsOf(line);
      if (!name || !part || !/^[012]$/.test(part) || rest.length > 0)
        throw wrong(`line ${i + 1} is "${line.slice(0, 40)}"`);
      return [name, Number(part)] as const;
    }),
  );
}

/** The number of words in a line, the first word, and the word at `index`. It does not split the line: the list has eight million words. */
function wordsAt(
  line: string,
  index: number,
): {readonly words: number; readonly first: string; readonly wanted: string | undefined} {
  let words = 0;
  let first = '';
  let wanted: string | undefined;
  for (let at = 0; at < line.length; ) {
    if (line[at] === ' ') {
      at++;
      continue;
    }
    let end = line.indexOf(' ', at);
    if (end < 0) end = line.length;
    if (words === 0) first = line.slice(at, end);
    else if (words === index) wanted = line.slice(at, end);
    words++;
    at = end;
  }
  return {words, first, wanted};
}

const wordsOf = (line: string): readonly string[] => line.trim().split(/ +/);

/** The lines of a file, without the empty one at the end. */
function linesOf(path: string, wrong: (came: string) => DatasetError): readonly string[] {
  try {
    const lines = readFileSync(path, 'utf8').split(/\r?\n/);
    return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
  } catch (error) {
    const came = whatCame(error);
    if (came === undefined) throw error;
    throw wrong(came);
  }
}
