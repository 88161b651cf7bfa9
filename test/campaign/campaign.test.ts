// @module-tag slow
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {campaign, tableOf} from './campaign.js';

// Its stores are made first, in half a dozen processes.
test('ten seconds of the fault campaign: nothing wrong, lost, hanging, raw, or left to a human', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'campaign-'));
  const said: string[] = [];
  try {
    const tally = await campaign({folder, seed: 1, seconds: 10, say: (line: string) => said.push(line)});
    expect(said.join('\n')).toBe('');
    expect(tally.failed).toEqual([]);
    expect(tableOf(tally)).toMatch(/^all +[1-9]/m);
  } finally {
    // Workers of a run that was killed may still write for a moment: an error here would hide the test's own.
    rmSync(folder, {recursive: true, force: true, maxRetries: 10, retryDelay: 100});
  }
}, 600_000);
