/** A line on a terminal that a command which is slow to answer shows at once, and takes away before its first output. */

const signs: {readonly [command: string]: string} = {
  plan: 'Reading the spec …',
  validate: 'Reading the spec …',
  compare: 'Reading results …',
  query: 'Reading results …',
  ls: 'Reading runs …',
  show: 'Reading the run …',
  report: 'Reading the run …',
};

let isShown = false;

/** Only where somebody looks at it: nothing in pipes and files. */
export function showSign(command: string): void {
  const sign = signs[command];
  if (sign === undefined || !process.stdout.isTTY || !process.stderr.isTTY) return;
  process.stderr.write(sign);
  isShown = true;
}

export function eraseSign(): void {
  if (isShown) process.stderr.write('\r\u001b[0J');
  isShown = false;
}
