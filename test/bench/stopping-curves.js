/**
 * Makes test/fixtures/search/curves.json, the value of every training at every mark, from finished runs of test/fixtures/search/curves.yaml, one
 * with the spec's objective and one with KDE's:
 *
 *     npx pipeline run test/fixtures/search/curves.yaml --engine tensorflow --threads 1 --runs <runs>
 *     npx pipeline run test/fixtures/search/curves.yaml --engine tensorflow --threads 1 --runs <runs> --set search.objective.classifier=kde
 *     node test/bench/stopping-curves.js <runs>/<id of the first> <runs>/<id of the second>
 */
import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {groupBy} from '../../dist/core/base/group.js';
import {foundOf, scoreOf, searchResultsOf} from '../../dist/pipeline/search/results.js';
import {metricsOf} from '../../dist/pipeline/store/runs/numbers.js';
import {readRecord} from '../../dist/pipeline/store/runs/record.js';

/** Of each trial, by the mean over these normal classes: the best value of its settings at each mark and at its end. */
function curvesOf(record, classes) {
  const {search} = searchResultsOf(record);
  const values = groupBy(metricsOf(record), ({task}) => task);
  const measured = (tasks, part) => scoreOf(foundOf(tasks, values, search.objective.metric, part)).value;
  const tasks = record.tasks.filter(({trial, inlier}) => trial && classes.includes(inlier));
  return [...groupBy(tasks, ({trial}) => trial.number).values()].map((own) => {
    const settings = [...groupBy(own, ({trial, until = 'end'}) => `${until} ${trial.setting}`).values()].map(
      (same) => ({
        until: same[0].until,
        validation: measured(same, 'validation'),
        test: measured(same, 'test'),
      }),
    );
    const best = [...groupBy(settings, ({until}) => until).values()].map((same) =>
      same.reduce((a, b) => (b.validation > a.validation ? b : a)),
    );
    const marks = best.filter(({until}) => until !== undefined).sort((a, b) => a.until - b.until);
    const {validation, test} = best.find(({until}) => until === undefined);
    return {
      epochs: own[0].learner.epochs,
      marks: marks.map(({until}) => until),
      scores: marks.map((mark) => digits(mark.validation)),
      validation: digits(validation),
      test: digits(test),
    };
  });
}

const digits = (value) => Number(value.toPrecision(6));

const [folder, ofKde] = process.argv.slice(2);
const record = readRecord(folder).value;
const classes = [...new Set(record.tasks.map(({inlier}) => inlier))];
const kde = curvesOf(readRecord(ofKde).value, classes);
const curves = {
  both: curvesOf(record, classes).map((trial, n) => ({...trial, kde: kde[n].scores})),
  ...Object.fromEntries(classes.map((one) => [one, curvesOf(record, [one])])),
};
const {cpu, cores} = JSON.parse(readFileSync(join(folder, 'environment.json'), 'utf8'));
const made = {
  'made by': 'test/bench/stopping-curves.js, from two runs of curves.yaml',
  date: record.finished.slice(0, 10),
  machine: {cpu, cores},
  engine: record.engine,
};
const parts = Object.entries(curves).map(
  ([name, trials]) => `"${name}":[\n${trials.map((row) => JSON.stringify(row)).join(',\n')}\n]`,
);
writeFileSync(
  new URL('../fixtures/search/curves.json', import.meta.url),
  `${JSON.stringify(made).slice(0, -1)},\n${parts.join(',\n')}\n}\n`,
);
