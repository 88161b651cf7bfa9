import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {openResults} from '../../../src/pipeline/store/results/results.ts';
import {readRecord} from '../../../src/pipeline/store/runs/record.ts';
import {bestOfRun} from '../../../src/surface/tables/best-mean.ts';
import type {Better} from '../../../src/surface/tables/best-of.ts';
import {RunIndex} from '../../../src/surface/web/run-index.ts';
import {makeRun, paperRotation} from '../../rig/runs.ts';
import {searchRun} from '../../rig/searches.ts';

const better: Better = (metric) => (metric === 'fpr-at-95' ? 'lower' : 'higher');

test('the best of a run is the same from the database as from its record; of a search what it chose', async () => {
  const root = mkdtempSync(join(tmpdir(), 'pipeline-index-'));
  try {
    const results = openResults(join(root, 'results.duckdb'));
    const sweep = [2, 4].flatMap((epochs) =>
      [0.1, 0.5].map((nu) => ({
        inlier: 'cat',
        seed: 0,
        learner: {...paperRotation, epochs},
        point: {'learner.epochs': epochs, nu},
        scores: {
          'oc-svm-rbf': {
            ref: {type: 'oc-svm', nu},
            metrics: {'fpr-at-95': 1 - nu - epochs / 100, auc: nu - epochs / 100},
          },
        },
      })),
    );
    const folders = [
      makeRun(root, {id: '20260101-080000-sweep-ab12', tasks: sweep}),
      makeRun(root, {id: '20260102-080000-search-cd34', ...searchRun({trials: 4, settings: 2, on: 'validation'})}),
    ];
    for (const folder of folders) expect(await results.ingestRun(folder)).toMatchObject({ok: true});
    const expected = folders.map((folder) => {
      const record = readRecord(folder);
      return record.ok ? bestOfRun(record.value, better) : undefined;
    });
    const index = new RunIndex(root, results, better);
    await index.load();
    // What the database has told of the sweep needs no record any more; from its record it would be damaged now.
    rmSync(join(folders[0]!, 'plan.json'));
    const runs = index.again();
    expect(runs.map(({damage}) => damage)).toEqual([undefined, undefined]);
    const bests = runs.map(({best}) => best);
    expect(bests).toEqual(expected.reverse());
    // In the metric that the spec names first, of which less is better; by the other one it would be the one with two epochs.
    expect(bests[1]).toMatchObject({metric: 'fpr-at-95', text: '46.0', who: 'rotation epochs=4 · oc-svm-rbf nu=0.5'});
  } finally {
    rmSync(root, {recursive: true});
  }
});
