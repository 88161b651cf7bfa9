/** When a run may end that another process drives, from its record. */
import {dirname, join} from 'node:path';
import {linesOf} from '../../core/base/follow.ts';
import {fromRecord} from '../search/record.ts';
import {sizeOf} from '../search/size.ts';
import {eventsFile, type RunRecord} from '../store/runs/run-record.ts';
import {runStateOf} from '../store/runs/runs.ts';
import {eventOf} from '../store/runs/shape.ts';
import {Ending} from './ending.ts';
import {pastIn} from './past.ts';

/** Seconds from now; undefined: it is not seen to run, or too little is known. */
export async function secondsLeftOf(record: RunRecord): Promise<number | undefined> {
  if (runStateOf(record) !== 'running') return undefined;
  const ending = new Ending(
    record.stages.map(({node}) => node),
    record.search === undefined ? undefined : sizeOf(fromRecord(record.search)),
  );
  ending.learn(await pastIn(join(dirname(record.folder), 'cache')));
  for await (const line of linesOf(eventsFile(record.folder))) {
    const event = eventOf(line);
    if (event) ending.hear(event);
  }
  return ending.secondsLeft(Date.now());
}
