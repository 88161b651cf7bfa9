import {appendFileSync, writeFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import {follow, linesOf} from '../../../src/core/base/follow.ts';
import {World} from '../../rig/world.ts';

test('a file that comes late and grows by less than a line, or less than a character, at a time', async () => {
  using world = new World();
  const file = `${world.root}/events.ndjson`;
  const controller = new AbortController();
  const [before, after] = [Buffer.from('é').subarray(0, 1), Buffer.from('é').subarray(1)];
  const steps: readonly (() => void)[] = [
    () => writeFileSync(file, ''),
    () => appendFileSync(file, 'one\ntw'),
    () => appendFileSync(file, before),
    () => appendFileSync(file, Buffer.concat([after, Buffer.from('\n\nthree\n')])),
    () => appendFileSync(file, 'torn'),
    () => controller.abort(),
  ];
  const looks: (readonly string[])[] = [];
  for await (const lines of follow(file, {signal: controller.signal, every: 1})) {
    steps[looks.length]?.();
    looks.push(lines);
  }
  expect(looks).toEqual([[], [], ['one'], [], ['twé', 'three'], []]);
  expect(await all(linesOf(file))).toEqual(['one', 'twé', 'three']);
  expect(await all(linesOf(`${file}.none`))).toEqual([]);
});

async function all(lines: AsyncIterable<string>): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const line of lines) found.push(line);
  return found;
}

test('a file of several pieces is given piece by piece, and whole', async () => {
  using world = new World();
  const file = `${world.root}/events.ndjson`;
  const lines = Array.from({length: 3000}, (_, i) => `${i} ${'x'.repeat(4000)}`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  expect(await all(linesOf(file))).toEqual(lines);
});
