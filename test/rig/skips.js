/**
 * Reads vitest's JSON report, prints the closing line, and fails when a test was skipped although the data it wants is
 * there: `node test/rig/skips.js <report.json> <folder of archives>`. A skipped test names the archive in its title,
 * as in `reads the published files (needs fashion-mnist.tar.gz)`.
 */
import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';

const [report, folder] = process.argv.slice(2);
const results = JSON.parse(readFileSync(report, 'utf8')).testResults.flatMap((file) => file.assertionResults);
const skipped = results.filter(
  (test) => test.status === 'pending' || test.status === 'skipped' || test.status === 'todo',
);
const wrong = [];
for (const test of skipped) {
  const archive = /\(needs ([\w.-]+\.tar\.gz)\)/.exec(test.fullName)?.[1];
  process.stdout.write(`skipped: ${test.fullName}\n`);
  if (archive && existsSync(join(folder, archive))) wrong.push(`${test.fullName}: ${archive} is there`);
}
const count = (status) => results.filter((test) => test.status === status).length;
process.stdout.write(`${count('passed')} passed, ${count('failed')} failed, ${skipped.length} skipped\n`);
if (wrong.length > 0) {
  process.stderr.write(`Skipped although the data is there:\n${wrong.map((line) => `  ${line}`).join('\n')}\n`);
  process.exit(1);
}
