import {expect, test} from 'vitest';
import {columnsOf} from '../../../src/core/base/width.ts';
import {dataRows, latexText, markdownTable} from '../../../src/surface/tables/exchange.ts';
import {csvText, terminalTable} from '../../../src/surface/tables/table.ts';
import type {TextTable} from '../../../src/surface/tables/text-table.ts';

const table: TextTable = {
  columns: [
    {name: 'k', align: 'left'},
    {name: 'one', align: 'right'},
    {name: 'two', align: 'right'},
    {name: 'three', align: 'right'},
  ],
  rows: [
    ['a', '1', '22', '333'],
    ['é|', '–', '1.0 ± 0.1', ''],
  ],
  lead: 1,
};

test.for([
  ['abc', 3],
  ['1.0 ± 0.1', 9],
  ['e\u0301', 1],
  ['日本', 4],
  ['🙂', 2],
  ['', 0],
] as const)('width of %s', ([text, width]) => {
  expect(columnsOf(text)).toBe(width);
});

test('no line is wider than asked for, but a column is never split', () => {
  expect(terminalTable(table)).toMatchInlineSnapshot(`
    "k   one        two  three
    ─────────────────────────
    a     1         22    333
    é|    –  1.0 ± 0.1"
  `);
  const wide = {...table, columns: table.columns.map(({name, align}) => ({name: name.padEnd(24, '.'), align}))};
  expect(terminalTable(wide, 60)).toMatchInlineSnapshot(`
    "k.......................  one.....................
    ──────────────────────────────────────────────────
    a                                                1
    é|                                               –

    k.......................  two.....................
    ──────────────────────────────────────────────────
    a                                               22
    é|                                       1.0 ± 0.1

    k.......................  three...................
    ──────────────────────────────────────────────────
    a                                              333
    é|"
  `);
  for (const width of [50, 52, 60, 78, 200])
    for (const line of terminalTable(wide, width).split('\n')) expect(columnsOf(line)).toBeLessThanOrEqual(width);
});

test('under 50 columns a table that is too wide is a list; names may take two columns a character', () => {
  expect(
    terminalTable({...table, rows: [...table.rows, ['日本 🙂', 'a long text of many words', '', '1']]}, 24),
  ).toMatchInlineSnapshot(`
    "a
      one: 1
      two: 22
      three: 333
    é|
      one: –
      two: 1.0 ± 0.1
    日本 🙂
      one: a long text of
        many words
      three: 1"
  `);
  expect(terminalTable(table, 30)).toBe(terminalTable(table));
});

test('Markdown escapes bars', () => {
  expect(markdownTable(table).split('\n').at(-1)).toBe('| é\\| | – | 1.0 ± 0.1 |  |');
});

test('CSV quotes', () => {
  expect(
    csvText([
      ['a', 1, null],
      ['b,"c"', 0.1, 'd\ne'],
    ]),
  ).toBe('a,1,\n"b,""c""",0.1,"d\ne"\n');
});

test('LaTeX escapes', () => {
  expect(latexText('50 % of a_b & {c} ~ ^ \\ # $ ± Δ')).toBe(
    '50 \\% of a\\_b \\& \\{c\\} \\textasciitilde{} \\textasciicircum{} \\textbackslash{} \\# \\$ $\\pm$ $\\Delta$',
  );
});

test('colours change nothing but colours, and cells that a column aligns right keep their place', () => {
  const toned: TextTable = {...table, tone: (row, column) => (row === 1 && column === 2 ? 'bad' : undefined)};
  const painted = terminalTable(toned, 17, (style, text) => `<${style}>${text}</>`);
  expect(painted).toContain('<red>1.0 ± 0.1</>');
  expect(painted.replaceAll(/<[^>]*>/g, '')).toBe(terminalTable(table, 17));
});

test('names from anywhere neither move the cursor nor run in a program for tables', () => {
  const name = 'a\u001b[2Jb\u0001\n.png';
  const shown = terminalTable({columns: [{name, align: 'left'}], rows: [[name]], lead: 0});
  expect(shown.split('\n').map((line) => line.trimEnd())).toEqual(['ab\ufffd .png', '────────', 'ab\ufffd .png']);
  const cells = ['=1+cmd', '+1', '-x', '@sum', '-1.5e-3', '-Infinity', 'a=b', name, -2, null];
  expect(csvText([cells])).toBe(`'=1+cmd,+1,'-x,'@sum,-1.5e-3,-Infinity,a=b,"ab\ufffd\n.png",-2,\n`);
});

test('as data, numbers are numbers: what stands behind them has columns of its own', () => {
  const columns = ['class', 'ours', 'n', 'Δ'].map((name, at) => ({name, align: at === 0 ? 'left' : 'right'}) as const);
  const rows = [
    ['bag −1', '89.5 ± 0.3 †', '2 of 3', '−7.8'],
    ['coat', '11,743', '3', '+0.4'],
    ['dress', '–', '1', '–'],
  ];
  expect(dataRows({columns, rows, lead: 1})).toEqual([
    ['class', 'ours', 'ours ±', 'ours mark', 'n', 'n mark', 'Δ'],
    ['bag −1', '89.5', '0.3', '†', '2', 'of 3', '-7.8'],
    ['coat', '11743', '', '', '3', '', '0.4'],
    ['dress', '', '', '', '1', '', ''],
  ]);
});
