/** Tags and notes of runs on the command line. */
import {writeFileSync} from 'node:fs';
import {afterAll, expect, test} from 'vitest';
import {Project} from '../../rig/command.ts';
import {auc, makeRun} from '../../rig/runs.ts';

const project = new Project();
afterAll(() => project[Symbol.dispose]());

test('tags and a note are written, listed, filtered by, and taken away', async () => {
  for (const [id, name] of [
    ['20260101-080000.000-old-ab12', 'old'],
    ['20260102-080000.000-new-cd34', 'new'],
  ] as const)
    makeRun(project.path('runs'), {id, name, tasks: [{inlier: 'cat', seed: 0, scores: auc(0.8)}]});
  const said = async (...args: readonly string[]) => {
    const {status, out, err} = await project.run(...args);
    return status === 0 ? out : `${status}: ${err}`;
  };
  expect(await said('tag', 'old', 'paper', 'best', 'paper')).toBe('20260101-080000.000-old-ab12: best, paper\n');
  expect(await said('tag', 'old', '--remove', 'best')).toBe('20260101-080000.000-old-ab12: paper\n');
  expect(await said('note', 'old', 'for', 'table 3')).toBe('20260101-080000.000-old-ab12: paper\nfor table 3\n');
  expect(await said('tag', 'latest')).toBe('20260102-080000.000-new-cd34: no tags\n');
  expect(await said('ls')).toMatch(/ tags\n(.*\n)20260102-\S+ +new .*\S\n20260101-\S+ +old .* paper\n$/);
  const tagged = JSON.parse(await said('--json', 'ls', '--tag', 'paper'));
  expect(tagged).toMatchObject([{name: 'old', tags: ['paper'], note: 'for table 3'}]);
  expect(await project.run('ls', '--tag', 'none')).toEqual({status: 0, out: '', err: 'No run has the tag "none".\n'});
  expect(await said('show', 'old')).toContain('\ntags: paper\nfor table 3\n');
  expect(await said('note', 'old', '--remove')).toBe('20260101-080000.000-old-ab12: paper\n');
  expect(await said('tag', 'old', 'a,b')).toBe(
    '2: ✗ "a,b" cannot be a tag\n   A tag is one word without commas, of at most 40 characters.\n\n1 problem; nothing was changed.\n',
  );
  writeFileSync(project.path('runs', '20260101-080000.000-old-ab12', 'remarks.json'), 'nonsense');
  expect(await said('tag', 'old', 'good')).toContain('remarks.json does not have the expected content');
});
