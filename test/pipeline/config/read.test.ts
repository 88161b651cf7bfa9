import {expect, test} from 'vitest';
import {parseSource} from '../../../src/pipeline/config/parse.ts';
import {readSource} from '../../../src/pipeline/config/read.ts';
import {least, plan, screen} from './folder.ts';

test('a missing file suggests its neighbours', async () => {
  expect(await screen({'quickstart.yaml': least, 'table-1.yaml': least}, {}, 'quikstart.yaml')).toMatchInlineSnapshot(`
    "✗ there is no file quikstart.yaml
       Did you mean quickstart.yaml?

    1 problem; nothing was run.
    "
  `);
  expect(await screen({'quickstart.yaml': least, 'table-1.yaml': least}, {}, 'quickstart')).toMatchInlineSnapshot(`
    "✗ there is no file quickstart
       Did you mean quickstart.yaml?

    1 problem; nothing was run.
    "
  `);
  expect(await screen({'quickstart.yaml': least, 'table-1.yaml': least}, {}, 'cifar')).toMatchInlineSnapshot(`
    "✗ there is no file cifar
       . contains quickstart.yaml, table-1.yaml.

    1 problem; nothing was run.
    "
  `);
  expect(await screen({'readme.md': ''}, {}, 'no/such/file.yaml')).toMatchInlineSnapshot(`
    "✗ there is no file no/such/file.yaml
       There is no folder no/such.

    1 problem; nothing was run.
    "
  `);
});

test('a folder', async () => {
  expect(await screen({'pipelines/a.yaml': least, 'pipelines/b.yml': least}, {}, 'pipelines')).toMatchInlineSnapshot(`
    "✗ expected a pipeline file, but pipelines is a folder
       It contains pipelines/a.yaml, pipelines/b.yml.

    1 problem; nothing was run.
    "
  `);
  expect(await screen({'pipelines/a.txt': ''}, {}, 'pipelines')).toMatchInlineSnapshot(`
    "✗ expected a pipeline file, but pipelines is a folder
       It contains no *.yaml file.

    1 problem; nothing was run.
    "
  `);
});

test('a file of 10 MB is refused before it is parsed', async () => {
  expect(await screen('a: 1\n'.repeat(2_000_000))).toMatchInlineSnapshot(`
    "✗ a.yaml has 10 MB; a pipeline file has at most 1.0 MB
       Is it the right file? Pipeline files are short YAML files, such as pipelines/quickstart.yaml.

    1 problem; nothing was run.
    "
  `);
});

test('invalid UTF-8', async () => {
  expect(await screen(Buffer.from('name: caf\xe9\r\ndataset: pets\r\n', 'latin1'))).toMatchInlineSnapshot(`
    "✗ a.yaml:1:10  this character is not UTF-8
        1 │ name: caf�
          │          ~
       Save the file as UTF-8.

    1 problem; nothing was run.
    "
  `);
  expect(await screen(Buffer.from('\ufeffname: a\n', 'utf16le'))).toMatchInlineSnapshot(`
    "✗ a.yaml is not UTF-8 text
       Save the file as UTF-8.

    1 problem; nothing was run.
    "
  `);
});

test('a byte order mark and CRLF are accepted', async () => {
  const {plan: read} = await plan(`\ufeff${least.replaceAll('\n', '\r\n')}`);
  expect(read.tasks).toHaveLength(1);
});

test.for([
  ['empty', ''],
  ['only a comment', '# later\n'],
  ['only a document mark', '---\n'],
])('an empty file: %s', async ([, text]) => {
  expect(await screen(text!)).toBe(`✗ a.yaml  the file is empty
   A pipeline needs at least a dataset, a learner and classifiers; pipelines/quickstart.yaml is an example.

1 problem; nothing was run.
`);
});

test('tabs as indentation, each line of them', async () => {
  expect(await screen('name: a\nlearner:\n\ttype: untrained\n\tepochs: 1\n')).toMatchInlineSnapshot(`
    "✗ a.yaml:3:1  expected spaces at the start of the line, but got a tab
        3 │  type: untrained
          │ ~
       YAML is indented with spaces only.
    ✗ a.yaml:4:1  expected spaces at the start of the line, but got a tab
        4 │  epochs: 1
          │ ~
       YAML is indented with spaces only.

    2 problems; nothing was run.
    "
  `);
});

test('an unclosed quote is shown where it opens', async () => {
  expect(await screen(`name: "a\n${least}`)).toMatchInlineSnapshot(`
    "✗ a.yaml:1:7  the quote " that opens here is never closed
        1 │ name: "a
          │       ~
       Add a closing ".

    1 problem; nothing was run.
    "
  `);
  expect(await screen(`# don't mind\nname: 'a\n${least}`)).toMatchInlineSnapshot(`
    "✗ a.yaml:2:7  the quote ' that opens here is never closed
        2 │ name: 'a
          │       ~
       Add a closing '.

    1 problem; nothing was run.
    "
  `);
});

test('a key that appears twice is an error', async () => {
  expect(await screen(`${least}learner:\n  type: contrastive\n  epochs: 1\n  epochs: 2\n`)).toMatchInlineSnapshot(`
    "✗ a.yaml:4:1  the key "learner" is here twice
        4 │ learner:
          │ ~~~~~~~
       Remove one of the two.
    ✗ a.yaml:7:3  the key "epochs" is here twice
        7 │   epochs: 2
          │   ~~~~~~
       Remove one of the two.

    2 problems; nothing was run.
    "
  `);
});

test('other mistakes of syntax', async () => {
  expect(await screen('name: a\nlearner\n  type: untrained\n')).toMatchInlineSnapshot(`
    "✗ a.yaml:2:1  expected a ":" after this key
        2 │ learner
          │ ~~~~~~~

    1 problem; nothing was run.
    "
  `);
  expect(await screen('name: a\nlearner\n')).toMatchInlineSnapshot(`
    "✗ a.yaml:2:1  expected "key: value", but there is no ":"
        2 │ learner
          │ ~~~~~~~

    1 problem; nothing was run.
    "
  `);
  expect(await screen('description: this: that\n')).toMatchInlineSnapshot(`
    "✗ a.yaml:1:14  there is a second ": " on this line
        1 │ description: this: that
          │              ~~~~~~~~~~
       Put the text in quotes, or the inner mapping in { }.

    1 problem; nothing was run.
    "
  `);
  expect(await screen('learner:\n    type: untrained\n  network: tiny\n')).toMatchInlineSnapshot(`
    "✗ a.yaml:3:1  expected this line to have the same indentation as the lines around it
        3 │   network: tiny
          │ ~~~~~~~~~~~~~~~

    1 problem; nothing was run.
    "
  `);
  expect(await screen('metrics: [auc\nname: a\n')).toMatchInlineSnapshot(`
    "✗ a.yaml:2:1  a list that was opened with "[" is not closed with "]" before here
        2 │ name: a
          │ ~

    1 problem; nothing was run.
    "
  `);
  expect(await screen('learner: {type: untrained\nname: a\n')).toMatchInlineSnapshot(`
    "✗ a.yaml:2:1  a mapping that was opened with "{" is not closed with "}" before here
        2 │ name: a
          │ ~

    1 problem; nothing was run.
    "
  `);
  expect(await screen('name: @home\n')).toMatchInlineSnapshot(`
    "✗ a.yaml:1:7  a text cannot start with "@"
        1 │ name: @home
          │       ~~~~~
       Put the text in quotes.

    1 problem; nothing was run.
    "
  `);
  expect(await screen('name: !env HOME\n')).toMatchInlineSnapshot(`
    "✗ a.yaml:1:7  YAML tags such as "!env" are not supported
        1 │ name: !env HOME
          │       ~~~~
       Remove the tag.

    1 problem; nothing was run.
    "
  `);
  expect(await screen('? [a, b]\n: 1\n')).toMatchInlineSnapshot(`
    "✗ a.yaml:1:3  expected a key to be a plain text
        1 │ ? [a, b]
          │   ~~~~~~

    1 problem; nothing was run.
    "
  `);
  expect(await screen('name: a\n<<<<<<< HEAD\nseeds: 1\n=======\nseeds: 2\n>>>>>>> x\n')).toMatchInlineSnapshot(`
    "✗ a.yaml:2:1  there is an unresolved merge conflict
        2 │ <<<<<<< HEAD
          │ ~~~~~~~
       Resolve it in your editor.

    1 problem; nothing was run.
    "
  `);
  expect(await screen(`${least}---\n${least}`)).toMatchInlineSnapshot(`
    "✗ a.yaml:5:1  expected one YAML document, but a second one starts here
        5 │ dataset: {type: pets, inliers: [cat]}
          │ ~
       Put each pipeline in its own file.

    1 problem; nothing was run.
    "
  `);
});

test('a list is not a pipeline', async () => {
  expect(await screen('- a\n- b\n')).toMatchInlineSnapshot(`
    "✗ a.yaml  expected a mapping such as "dataset: …", but got ["a", "b"]

    1 problem; nothing was run.
    "
  `);
});

test('names that are special in JavaScript are refused', async () => {
  const text = `${least}__proto__: {polluted: yes}\ncompare:\n  constructor: {prototype: 1}\n`;
  expect(await screen(text)).toMatchInlineSnapshot(`
    "✗ a.yaml:4:1  "__proto__" cannot be a key
        4 │ __proto__: {polluted: yes}
          │ ~~~~~~~~~
       This name has a special meaning in JavaScript.
    ✗ a.yaml:6:3  "constructor" cannot be a key
        6 │   constructor: {prototype: 1}
          │   ~~~~~~~~~~~
       This name has a special meaning in JavaScript.
    ✗ a.yaml:6:17  "prototype" cannot be a key
        6 │   constructor: {prototype: 1}
          │                 ~~~~~~~~~
       This name has a special meaning in JavaScript.

    3 problems; nothing was run.
    "
  `);
  expect(({} as {polluted?: unknown}).polluted).toBeUndefined();
});

test('a long list is not one of aliases, and an integer that would be rounded is refused with its place', async () => {
  const list = `seeds: [${Array.from({length: 150_000}, (_, i) => i).join(', ')}]`;
  expect(await screen(list)).not.toContain('alias');
  expect(await screen('epochs: 9007199254740993')).toContain(
    'expected an integer that can be held exactly, but 9007199254740993 would become 9007199254740992',
  );
});

test('an alias bomb', async () => {
  const names = 'abcdefghi';
  const lines = [...names].map((name, i) => {
    const item = i === 0 ? 'lol' : `*${names[i - 1]}`;
    return `${name}: &${name} [${Array(9).fill(item).join(', ')}]\n`;
  });
  expect(await screen(lines.join(''))).toMatchInlineSnapshot(`
    "✗ a.yaml:2:7  the file's aliases add more than 100,000 values
        2 │ b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]
          │       ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
       Aliases of aliases multiply; write fewer of them.

    1 problem; nothing was run.
    "
  `);
});

test('aliases that contain themselves, or have no anchor, are errors', async () => {
  expect(await screen('learner: &a\n  network: *a\n')).toMatchInlineSnapshot(`
    "✗ a.yaml:2:12  this alias contains itself
        2 │   network: *a
          │            ~~

    1 problem; nothing was run.
    "
  `);
  expect(await screen('learner: &a\n  type: x\n  <<: *a\n')).toMatchInlineSnapshot(`
    "✗ a.yaml:3:7  this alias contains itself
        3 │   <<: *a
          │       ~~

    1 problem; nothing was run.
    "
  `);
  expect(await screen('network: &net {type: tiny}\nlearner: {network: *nett}\n')).toMatchInlineSnapshot(`
    "✗ a.yaml:2:20  there is no anchor "&nett" before this alias
        2 │ learner: {network: *nett}
          │                    ~~~~~
       Did you mean "*net"?

    1 problem; nothing was run.
    "
  `);
  expect(await screen('learner:\n  <<: 3\n')).toMatchInlineSnapshot(`
    "✗ a.yaml:2:7  expected "<<" to be an alias of a mapping
        2 │   <<: 3
          │       ~

    1 problem; nothing was run.
    "
  `);
});

test.for([
  ['brackets', '['.repeat(100_000)],
  ['mappings', '{a: '.repeat(100_000)],
  ['closed brackets', `a: ${'['.repeat(500)}${']'.repeat(500)}\n`],
  ['dashes', '- '.repeat(100_000)],
  ['questions', '? '.repeat(100_000)],
  ['lines', Array.from({length: 1000}, (_, i) => `${' '.repeat(i)}a:\n`).join('')],
])('nesting without end: %s', async ([, text]) => {
  expect(await screen(text!)).toMatch(/^✗ a\.yaml(:\d+:\d+)? {2}the values are nested too deeply/);
});

test('a file with as many keys as possible is read quickly', () => {
  const text = Array.from({length: 60_000}, (_, i) => `k${i}: 1\n`).join('');
  expect(parseSource(text, 'a.yaml').ok).toBe(true);
});

test('numbers that JSON does not have are refused', async () => {
  expect(await screen(`${least}seeds: .inf\n`)).toMatchInlineSnapshot(`
    "✗ a.yaml:4:8  expected a finite number
        4 │ seeds: .inf
          │        ~~~~
       Options are kept as JSON, which has no .inf and no .nan.

    1 problem; nothing was run.
    "
  `);
});

test('a device is not read', async () => {
  expect(await readSource('/dev/null')).toMatchObject({failures: [{message: '/dev/null is not a file'}]});
});

test('merges: a written key wins, then the earlier mapping; a problem is placed where the alias points', () => {
  const text = 'a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  <<: [*a, *b]\n  x: 3\n';
  const source = parseSource(text, 'a.yaml');
  if (!source.ok) throw new Error('not read');
  const {value, locate} = source.value;
  expect(value).toEqual({a: {x: 1, y: 1}, b: {y: 2, z: 2}, c: {x: 3, y: 1, z: 2}});
  expect(locate(['c', 'x'], 'value')).toMatchObject({line: 5, column: 6});
  expect(locate(['c', 'y'], 'value')).toMatchObject({line: 1, column: 17});
  expect(locate(['c', 'z'], 'key')).toMatchObject({line: 2, column: 14});
});
