/** Values of options, from their texts. */
import {InvalidArgumentError, Option} from 'commander';

/** An integer from 1 to `most`. */
export const upTo =
  (most: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < 1 || value > most)
      throw new InvalidArgumentError(`expected an integer from 1 to ${most}.`);
    return value;
  };

/** More than any machine has cores. */
export const parallel = upTo(1024);

export const jobsOption = (): Option =>
  new Option(
    '--jobs <n>',
    'how many stages may compute tensors at the same time (default: depends on the cores)',
  ).argParser(parallel);

const secondsIn: {readonly [unit: string]: number} = {'': 1, s: 1, min: 60, h: 3600};

/** Seconds. */
export const duration = (text: string): number => {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?) ?(s|min|h)?$/.exec(text.trim()) ?? [];
  if (number === undefined) throw new InvalidArgumentError('expected a time, such as 90s, 2min or 1h.');
  return Number(number) * secondsIn[unit]!;
};

export const share = (text: string): number => {
  const value = Number(text);
  if (!(value > 0 && value <= 1)) throw new InvalidArgumentError('expected a number above 0 and at most 1.');
  return value;
};

export const onnxFile = (text: string): string => {
  if (!/.\.onnx$/i.test(text)) throw new InvalidArgumentError('expected a name that ends in .onnx.');
  return text;
};

export const portNumber = upTo(65_535);
