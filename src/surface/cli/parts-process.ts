/** A process that draws the parts of one run's report for `pipeline ui`, and ends. */
import {join} from 'node:path';
import {type Result, succeed} from '../../core/base/result.ts';
import type {Problem} from '../../pipeline/failures.ts';
import {readRecord} from '../../pipeline/store/runs/record.ts';
import {type ReportParts, reportParts} from '../report/page.ts';
import {gatherReport} from '../report/report-data.ts';
import {betterFrom} from '../tables/best-of.ts';
import {builtinPlugins} from './builtin.ts';
import {readComparison, resultsOf} from './comparison.ts';
import type {PartsQuestion} from './parts-apart.ts';
import {folders} from './session.ts';

async function draw({runs, run, closely}: PartsQuestion): Promise<Result<ReportParts, Problem>> {
  const record = readRecord(join(runs, run));
  if (!record.ok) return record;
  const globals = {runs, json: false};
  // While a run goes on, or the database is busy, the record has what is drawn.
  const compared = await readComparison({runs: [run]}, {metric: 'all'}, resultsOf(globals));
  const {comparison} = compared.ok ? compared.value : {};
  const data = await gatherReport(record.value, {
    cache: folders(globals).cache,
    better: betterFrom(builtinPlugins()),
    closely,
    ...(comparison && {comparison}),
  });
  return succeed(await reportParts(data));
}

process.once('disconnect', () => process.exit());
process.once('message', (question: PartsQuestion) => {
  void draw(question).then((answer) => process.send!(answer, () => process.exit()));
});
