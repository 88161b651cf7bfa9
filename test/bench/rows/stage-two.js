/** Rows of stage two: classifiers and metrics against scikit-learn's, on the same features and maps. */
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {withLargePages} from '../../../dist/core/base/large-pages.js';
import {contest, peer, python, script} from '../rig.js';
import {sizes, writeData} from '../stage-two-data.js';

/** So that its library chooses for this processor. */
const withoutOpenBlas = {...process.env, OPENBLAS_CORETYPE: undefined, OPENBLAS_L2_SIZE: undefined};

async function against(job, {what, target, rounds, engines = ['tensorflow', 'wasm'], alone = false}) {
  const folder = mkdtempSync(join(tmpdir(), 'pipeline-bench-'));
  try {
    writeData(folder);
    // As workers are started.
    const ours = (engine) => () =>
      peer(process.execPath, [script('ours-stage-two.js'), folder, engine], {env: withLargePages(process.env)});
    const contestants = {
      ours: ours(engines[0]),
      ...(engines[1] ? {wasm: ours(engines[1])} : {}),
      ...(alone
        ? {}
        : {'scikit-learn': () => peer(python, [script('stage_two_sklearn.py'), folder], {env: withoutOpenBlas})}),
    };
    const figures = await contest(contestants, (one) => one.run(job), rounds, ['ours']);
    return {
      what,
      better: 'lower',
      figures,
      ...(figures['scikit-learn'] && {
        against: 'scikit-learn',
        ratios: figures['scikit-learn'].map((theirs, round) => theirs / figures.ours[round]),
      }),
      target,
    };
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
}

const {train, test, pixels} = sizes;
const shapes = `${train.rows} × ${train.columns} to fit, ${test.rows} to score`;
const million = ((pixels.count * pixels.height * pixels.width) / 1e6).toFixed(0);

export const rows = {
  'oc-svm': () => against('oc-svm', {what: `OC-SVM, RBF, nu 0.5, ${shapes}, s`, target: 'at least 25', rounds: 3}),
  kde: () => against('kde', {what: `KDE, ${shapes}, s`, target: 'at least 80', rounds: 2}),
  gde: () => against('gde', {what: `GDE, ${shapes}, s`, target: 'at least 1.5', rounds: 5}),
  knn: () => against('knn', {what: `1-NN by cosine, ${shapes}, s`, target: 'above 1.0', rounds: 5}),
  'pixel-auc': () =>
    against('pixel-auc', {what: `AUC of ${million} M pixels, s`, target: 'at least 15', rounds: 3, engines: ['wasm']}),
  aupro: () =>
    against('aupro', {
      what: `AUPRO of ${million} M pixels, s`,
      target: 'about 1 s',
      rounds: 3,
      engines: ['wasm'],
      alone: true,
    }),
};
