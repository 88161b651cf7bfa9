/** `report`: one HTML file of a run. */
import {join, relative, resolve} from 'node:path';
import {writeFileAtomic} from '../../core/base/files.ts';
import {bytes, clippedList} from '../../core/base/text.ts';
import {reportPage} from '../report/page.ts';
import {gatherReport} from '../report/report-data.ts';
import {betterFrom} from '../tables/best-of.ts';
import {builtinPlugins} from './builtin.ts';
import {readComparison, resultsOf} from './comparison.ts';
import {exitCodes} from './exit-codes.ts';
import {folders, type Globals, orRefuse, out, refuse} from './session.ts';
import {whichRun} from './which-run.ts';

export interface ReportOptions {
  /** Absent: `report.html` in the run's folder. */
  readonly out?: string;
  /** Part of the ids of the tasks to look at closely. */
  readonly task?: string;
  /** Whether every test image gets a picture. */
  readonly images: 'some' | 'all';
}

export const report = async (which: string, options: ReportOptions, globals: Globals): Promise<number> =>
  orRefuse(await whichRun(which, globals, 'everything'), async (record) => {
    const {task: wanted, images} = options;
    if (wanted !== undefined && !record.tasks.some(({id}) => id.includes(wanted)))
      return refuse([
        {
          message: `run ${record.id} has no task with "${wanted}" in its id`,
          hint: `It has ${clippedList(
            record.tasks.map(({id}) => id),
            4,
          )}.`,
        },
      ]);
    return orRefuse(
      await readComparison({runs: [record.id]}, {metric: 'all'}, resultsOf(globals)),
      async ({comparison}) => {
        const {cache} = folders(globals);
        const data = await gatherReport(record, {
          cache,
          better: betterFrom(builtinPlugins()),
          allImages: images === 'all',
          ...(comparison && {comparison}),
          ...(wanted !== undefined && {wanted}),
        });
        const page = await reportPage(data);
        const file = resolve(options.out ?? join(record.folder, 'report.html'));
        await writeFileAtomic(file, page);
        const size = Buffer.byteLength(page);
        out(globals.json ? JSON.stringify({run: record.id, file, bytes: size}) : `${shown(file)} (${bytes(size)})`);
        return exitCodes.done;
      },
    );
  });

/** As short as it can be typed. */
function shown(file: string): string {
  const short = relative('.', file);
  return short.startsWith('..') ? file : short;
}
