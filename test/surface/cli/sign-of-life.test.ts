import {afterEach, expect, test, vi} from 'vitest';
import {err, out} from '../../../src/surface/cli/session.ts';
import {eraseSign, showSign} from '../../../src/surface/cli/sign-of-life.ts';
import {Terminal} from '../../rig/terminal.ts';

const {stdout, stderr} = process;
const own = [stdout.isTTY, stderr.isTTY] as const;

afterEach(() => {
  vi.restoreAllMocks();
  [stdout.isTTY, stderr.isTTY] = own;
});

/** What both streams write, on one terminal. */
function terminalOf(isOut: boolean, isErr: boolean): Terminal {
  const terminal = new Terminal(40, 5);
  [stdout.isTTY, stderr.isTTY] = [isOut, isErr];
  for (const stream of [stdout, stderr])
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      terminal.write(String(text));
      return true;
    });
  return terminal;
}

test.for([
  ['out', out],
  ['err', err],
] as const)('a terminal shows at once what is read, until there is something else to show: std%s', ([, print]) => {
  const terminal = terminalOf(true, true);
  showSign('ls');
  expect(terminal.history).toBe('Reading runs …');
  print('first');
  print('second');
  eraseSign();
  expect(terminal.history).toBe('first\nsecond\n');
});

test('it is gone where nothing was printed', () => {
  const terminal = terminalOf(true, true);
  showSign('report');
  eraseSign();
  expect(terminal.history).toBe('');
});

test.for([
  [true, false],
  [false, true],
  [false, false],
] as const)('in a pipe there is none (terminals: %s, %s)', ([isOut, isErr]) => {
  const terminal = terminalOf(isOut, isErr);
  showSign('query');
  out('answer');
  expect(terminal.history).toBe('answer\n');
});

test('a command that answers at once shows none', () => {
  const terminal = terminalOf(true, true);
  showSign('completion');
  expect(terminal.history).toBe('');
});
