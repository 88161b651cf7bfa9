// @module-tag slow
/**
 * A reader who types what the documents say: their files are written, and their commands run, in one project. Images and
 * trainings are smaller than theirs.
 */
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {Project, packageFolder} from '../rig/command.ts';
import {writeImage} from '../rig/images.ts';
import {blocksOf, commandsOf, fileOf, handWritten, pipelineArguments} from './documents.ts';

/** Commands that are only parsed (`documents.test.ts`), and why. */
const tooMuch: readonly (readonly [RegExp, string])[] = [
  [/^ui\b/, 'serves until it is ended'],
  [/^(setup|data fetch)\b/, 'needs the network'],
  [/^doctor\b/, 'looks at the machine, and has tests of its own'],
  [/--engine (webgpu|torch)/, 'needs a GPU'],
  [/^(plan|run) pipelines\/frozen\//, 'needs the file of a network that its reader makes'],
  [/^store\b/, 'needs a store, and has tests of its own'],
  [/--executor slurm|^logs\b/, 'needs a cluster'],
  [/table-1/, 'takes more than seconds'],
  [/--normal-classes all/, 'takes more than seconds'],
  [/mine-sweep.* --set/, 'trains four networks once more'],
  [/^report (?!latest$)/, 'draws a page, as "report latest" does'],
];

const project = new Project();
afterAll(() => project[Symbol.dispose]());

const quickstart = (): Promise<unknown> => project.run('run', 'pipelines/quickstart.yaml', '--quiet');

beforeAll(async () => {
  project.install();
  project.write('package.json', '{"type": "module"}');
  const text = readFileSync(join(packageFolder, 'pipelines', 'quickstart.yaml'), 'utf8');
  const short = text.replace('edition: small', 'edition: small\n  limit: { train: 30, test: 60 }');
  expect(short).toContain('limit');
  project.write('pipelines/quickstart.yaml', shortened(short));
  for (const [folder, count] of Object.entries({'train/good': 16, 'test/good': 4, 'test/scratched': 4}))
    for (let i = 0; i < count; i++) {
      const name = `data/bolts/${folder}/${i}.png`;
      await writeImage(project.path(name), {seed: name, height: 64, width: 64});
    }
  for (let i = 0; i < 10; i++)
    await writeImage(project.path('photos', `${i}.png`), {seed: `photo ${i}`, height: 36, width: 36});
  await writeImage(project.path('photos', 'one.png'), {seed: 'one', height: 28, width: 28});
  await writeImage(project.path('new-photos', 'one.png'), {seed: 'new', height: 28, width: 28});
  await writeImage(project.path('photos', 'two.jpg'), {seed: 'two', height: 40, width: 30});
});

/** A training of a few steps; of one epoch, or of two where something happens before the last. */
const shortened = (spec: string): string =>
  spec
    .replaceAll(/\bsteps_per_epoch: \d+/g, 'steps_per_epoch: 2')
    .replaceAll(/\bepochs: \d+/g, /\bhalving:|\bepochs: \[/.test(spec) ? 'epochs: 2' : 'epochs: 1');

const isTooMuch = (line: string): boolean => tooMuch.some(([pattern]) => pattern.test(line));
const lines = handWritten.flatMap(commandsOf).flatMap((line) => {
  const words = pipelineArguments(line);
  return words ? [words.join(' ')] : [];
});

test('every reason not to run a command is used by some command', () => {
  expect(tooMuch.filter(([pattern]) => !lines.some((line) => pattern.test(line)))).toEqual([]);
  expect(lines.filter((line) => !isTooMuch(line)).length).toBeGreaterThan(30);
});

const documents = handWritten.filter((document) => commandsOf(document).some(pipelineArguments));

/** A command that an earlier document has is not run again, unless it makes a run that others ask about. */
const ran = new Set<string>();

// In order: a later document goes on with the runs of the earlier ones.
test.for(documents)('$name', {timeout: 600_000}, async (document) => {
  if (commandsOf(document).some(({words}) => words.includes('latest'))) await quickstart();
  for (const block of blocksOf(document)) {
    const file = fileOf(block);
    if (file) project.write(file, block.language === 'yaml' ? shortened(block.text) : block.text);
  }
  for (const line of commandsOf(document)) {
    const words = pipelineArguments(line);
    if (!words) continue;
    const text = words.join(' ');
    if (isTooMuch(text) || (ran.has(text) && words[0] !== 'run')) continue;
    ran.add(text);
    const {status, err} = await project.run(...words);
    expect([line.place, text, status, err]).toEqual([line.place, text, 0, expect.anything()]);
  }
  for (const {language, text, place} of blocksOf(document)) {
    if (language !== 'sql') continue;
    const {status, err} = await project.run('query', text);
    expect([place, status, err]).toEqual([place, 0, '']);
  }
});
