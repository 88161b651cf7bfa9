/** Options with a new name: the older name means the same, and what is recorded does not depend on which was written. */
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {plugins as builtin} from '../../../src/builtin.ts';
import {Plugins} from '../../../src/core/plugin/registry.ts';
import {readPlan} from '../../../src/pipeline/config/expand.ts';
import type {Overrides} from '../../../src/pipeline/config/overrides.ts';
import type {Task} from '../../../src/pipeline/config/spec.ts';
import {renderProblems} from '../../../src/surface/live/diagnostic.ts';
import {folder, least, plan, screen} from './folder.ts';

const classes = async (text: string, overrides: Overrides = {}) =>
  (await plan(text, overrides)).plan.tasks.map(({inlier}) => inlier);
const named = (name: string, more = '') =>
  least.replace('{type: pets, inliers: [cat]}', `{type: pets, ${name}: [cat]${more}}`);

test('"normal_classes" and its older name make equal tasks', async () => {
  const [now, before] = [await plan(named('normal_classes')), await plan(named('inliers'))];
  expect(now.plan.tasks).toEqual(before.plan.tasks);
  expect(now.plan.tasks.map(({inlier}) => inlier)).toEqual(['cat']);
});

test.for(['normal_classes', 'inliers'])(
  '"--set", "--normal-classes" and "--inliers" replace what "%s" has in the file',
  async (name) => {
    const text = named(name);
    expect(await classes(text, {set: ['dataset.normal_classes=[dog]']})).toEqual(['dog']);
    expect(await classes(text, {set: ['dataset.inliers=[dog]']})).toEqual(['dog']);
    expect(await classes(text, {normalClasses: 'dog,hamster'})).toEqual(['dog', 'hamster']);
    expect(await classes(text, {inliers: 'dog,hamster'})).toEqual(['dog', 'hamster']);
    expect(await classes(text, {set: ['dataset.inliers=[dog]'], normalClasses: 'hamster'})).toEqual(['hamster']);
    for (const path of ['dataset.normal_classes', 'dataset.inliers']) {
      const matrix = `${text}matrix: {${path}: [[dog], [hamster]]}\n`;
      expect(await classes(matrix)).toEqual(['dog', 'hamster']);
      expect(await classes(matrix, {normalClasses: 'cat'})).toEqual(['cat']);
    }
  },
);

test('both names at once are an error that names both', async () => {
  expect(await screen(named('normal_classes', ', inliers: [dog]'))).toMatchInlineSnapshot(`
    "✗ a.yaml:1:46  "normal_classes" and "inliers" are two names of one option; expected only one of them
        1 │ dataset: {type: pets, normal_classes: [cat], inliers: [dog]}
          │                                              ~~~~~~~
       Remove "inliers", the older name.

    1 problem; nothing was run.
    "
  `);
  const twice = `${least}matrix: {dataset.inliers: [[dog]], dataset.normal_classes: [[cat]]}\n`;
  expect(await screen(twice)).toMatchInlineSnapshot(`
    "✗ a.yaml:4:10  "dataset.inliers" and "dataset.normal_classes" are one option, which varies twice
        4 │ matrix: {dataset.inliers: [[dog]], dataset.normal_classes: [[cat]]}
          │          ~~~~~~~~~~~~~~~
    ✗ a.yaml:4:36  "dataset.inliers" and "dataset.normal_classes" are one option, which varies twice
        4 │ matrix: {dataset.inliers: [[dog]], dataset.normal_classes: [[cat]]}
          │                                    ~~~~~~~~~~~~~~~~~~~~~~

    2 problems; nothing was run.
    "
  `);
  expect(await screen(least, {normalClasses: 'cat', inliers: 'dog'})).toMatchInlineSnapshot(`
    "✗ --normal-classes and --inliers are two names of one option; expected only one of them
       Remove --inliers, the older name.

    1 problem; nothing was run.
    "
  `);
});

test('a message has the name that was written, at its place', async () => {
  expect(await screen(named('normal_classes').replace('[cat]', '[cow]'))).toMatchInlineSnapshot(`
    "✗ a.yaml:1:40  dataset "pets" has no class "cow"
        1 │ dataset: {type: pets, normal_classes: [cow]}
          │                                        ~~~
       Its classes: cat, dog, hamster.

    1 problem; nothing was run.
    "
  `);
  expect(await screen(named('inliers').replace('[cat]', '3'))).toMatchInlineSnapshot(`
    "✗ a.yaml:1:32  dataset "pets" has no class "3"
        1 │ dataset: {type: pets, inliers: 3}
          │                                ~
       Its classes: cat, dog, hamster.

    1 problem; nothing was run.
    "
  `);
  expect(await screen(named('normal_classes').replace('[cat]', '3'))).toMatchInlineSnapshot(`
    "✗ a.yaml:1:39  dataset "pets" has no class "3"
        1 │ dataset: {type: pets, normal_classes: 3}
          │                                       ~
       Its classes: cat, dog, hamster.

    1 problem; nothing was run.
    "
  `);
  expect(await screen(named('normal_clases'))).toMatchInlineSnapshot(`
    "✗ a.yaml:1:23  dataset "pets" has no option "normal_clases"
        1 │ dataset: {type: pets, normal_clases: [cat]}
          │                       ~~~~~~~~~~~~~
       Did you mean "normal_classes"? ("all", a class name or a list of them, default "all")

    1 problem; nothing was run.
    "
  `);
});

/** Tasks of a spec with the built-in plug-ins, or what is wrong with it; the folder's own name is left out. */
async function weights(options: string, overrides: Overrides = {}): Promise<readonly Task[] | string> {
  const text = `dataset: {type: synthetic, normal_classes: [stripes]}
learner: {type: untrained, network: {type: efficientnet}${options}}
classifiers: [kde]
`;
  const path = folder({'a.yaml': text});
  const read = await readPlan(join(path, 'a.yaml'), {builtin: new Plugins(builtin), overrides});
  const shown = read.ok ? JSON.stringify(read.value.plan.tasks) : renderProblems(read.failures, {colour: false});
  const found = shown.replaceAll(`${path}/`, '');
  return read.ok ? (JSON.parse(found) as readonly Task[]) : found;
}

test('"pretrained_weights" and its older name make equal tasks', async () => {
  const now = await weights(', pretrained_weights: b4.safetensors');
  expect(now).toMatchObject([{learner: {start: 'b4.safetensors'}}]);
  expect(await weights(', start: b4.safetensors')).toEqual(now);
  for (const name of ['pretrained_weights', 'start'])
    expect(await weights(', start: b0.safetensors', {set: [`learner.${name}=b4.safetensors`]})).toEqual(now);
  expect(await weights(', start: a, pretrained_weights: b')).toMatchInlineSnapshot(`
    "✗ a.yaml:2:59  "pretrained_weights" and "start" are two names of one option; expected only one of them
        2 │ learner: {type: untrained, network: {type: efficientnet}, start: a, pretrained_weights: b}
          │                                                           ~~~~~
       Remove "start", the older name.
    "
  `);
});
