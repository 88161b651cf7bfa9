import {stripVTControlCharacters} from 'node:util';
import {expect, test} from 'vitest';
import type {Problem} from '../../../src/pipeline/failures.ts';
import {renderProblems} from '../../../src/surface/live/diagnostic.ts';

const at = (text: string, part: string, line = 14): Problem => ({
  message: 'expected something else',
  file: 'a.yaml',
  range: {line, column: text.indexOf(part) + 1, length: part.length, text},
});
const render = (problems: readonly Problem[], width?: number, so?: string) =>
  renderProblems(problems, {colour: false, ...(width && {width}), ...(so && {so})});

test('a problem has place, line, squiggle and hint; the end gives the number and the consequence', () => {
  const problems: readonly Problem[] = [
    {
      message: 'learner "contrastive" has no option "temprature"',
      file: 'pipelines/cifar10.yaml',
      range: {line: 14, column: 5, length: 10, text: '    temprature: 0.2'},
      hint: 'Did you mean "temperature"? (a number above 0, default 0.2)',
    },
    {message: 'a pipeline needs "dataset"', file: 'pipelines/cifar10.yaml'},
    {message: '--set learner.epochs=0: expected "epochs" to be an integer of at least 1, but got 0'},
  ];
  expect(render(problems, undefined, 'nothing was run')).toMatchInlineSnapshot(`
    "✗ pipelines/cifar10.yaml:14:5  learner "contrastive" has no option "temprature"
       14 │     temprature: 0.2
          │     ~~~~~~~~~~
       Did you mean "temperature"? (a number above 0, default 0.2)
    ✗ pipelines/cifar10.yaml  a pipeline needs "dataset"
    ✗ --set learner.epochs=0: expected "epochs" to be an integer of at least 1, but got 0

    3 problems; nothing was run.
    "
  `);
});

test('one problem', () => {
  expect(render([{message: 'there is no file a.yaml'}])).toMatchInlineSnapshot(`
    "✗ there is no file a.yaml
    "
  `);
});

test('a message of several lines', () => {
  const message = 'syntax error at or near "selec"\n\nLINE 1: selec 1\n        ^';
  expect(render([{message, hint: 'Start with SELECT.'}])).toMatchInlineSnapshot(`
    "✗ syntax error at or near "selec"
       LINE 1: selec 1
               ^
       Start with SELECT.
    "
  `);
});

test('long lines are cut around the squiggle', () => {
  const text = `key: ${'a'.repeat(100)} HERE ${'b'.repeat(100)}`;
  expect(render([at(text, 'HERE')], 60)).toMatchInlineSnapshot(`
    "✗ a.yaml:14:107  expected something else
       14 │ …aaaaaaaaaaaaaaa HERE bbbbbbbbbbbbbbbbbbbbbbbbbbbbb…
          │                  ~~~~
    "
  `);
  expect(render([at(`HERE ${'b'.repeat(100)}`, 'HERE')], 60)).toMatchInlineSnapshot(`
    "✗ a.yaml:14:1  expected something else
       14 │ HERE bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb…
          │ ~~~~
    "
  `);
  expect(render([at(`${'a'.repeat(100)} HERE`, 'HERE')], 60)).toMatchInlineSnapshot(`
    "✗ a.yaml:14:102  expected something else
       14 │ …aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa HERE
          │                                                 ~~~~
    "
  `);
  expect(render([at(`x ${'long '.repeat(40)}`, 'long '.repeat(40).trim())], 60)).toMatchInlineSnapshot(`
    "✗ a.yaml:14:3  expected something else
       14 │ x long long long long long long long long long long…
          │   ~~~~~~~~~~~~~~~~~~~~~~~~~~
    "
  `);
});

test('every line stays inside the terminal', () => {
  const text = `key: ${'a'.repeat(300)}`;
  for (let column = 1; column < 300; column += 7)
    for (const length of [1, 40, 290]) {
      const range = {line: 3, column, length, text};
      const lines = render([{message: 'x', file: 'f', range}], 50).split('\n');
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(50);
    }
});

test('at most ten problems are shown', () => {
  const problems = Array.from({length: 13}, (_, i) => ({message: `problem ${i + 1}`}));
  expect(render(problems)).toMatchInlineSnapshot(`
    "✗ problem 1
    ✗ problem 2
    ✗ problem 3
    ✗ problem 4
    ✗ problem 5
    ✗ problem 6
    ✗ problem 7
    ✗ problem 8
    ✗ problem 9
    ✗ problem 10
    … and 3 more
    "
  `);
});

test('wide characters and tabs keep the squiggle in place', () => {
  expect(render([at('描述: 値 epochs', 'epochs')])).toMatchInlineSnapshot(`
    "✗ a.yaml:14:7  expected something else
       14 │ 描述: 値 epochs
          │          ~~~~~~
    "
  `);
  expect(render([at('a:\tepochs', 'epochs')])).toMatchInlineSnapshot(`
    "✗ a.yaml:14:4  expected something else
       14 │ a: epochs
          │    ~~~~~~
    "
  `);
});

test('no escape sequence of a file reaches the terminal', () => {
  const evil = 'name: \u001b[2J\u001b]0;owned\u0007\u009b31m\u202e';
  const text = render([{...at(evil, 'name'), message: evil, hint: evil}]);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
});

test('colour changes nothing but colour', () => {
  const problems = [at('epochs: 0', '0'), {message: 'x', hint: 'y'}];
  const coloured = renderProblems(problems, {colour: true});
  expect(coloured).toContain('\u001b[31m');
  expect(stripVTControlCharacters(coloured)).toBe(render(problems));
});
