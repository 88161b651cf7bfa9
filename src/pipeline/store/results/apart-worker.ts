/** Entry of the process that `apart.ts` starts for one query. */
import {endWithParent} from '../../../core/base/parent.ts';
import type {Question, Told} from './apart.ts';
import {openResults} from './results.ts';

endWithParent(Number(process.argv[2]));

const tell = (told: Told): void => void process.send!(told);

process.once('message', ({file, sql, limits, waitSeconds}: Question) => {
  const results = openResults(file, {
    report: (message) => tell({type: 'report', message}),
    ...(waitSeconds !== undefined && {waitSeconds}),
  });
  results.query(sql, {...limits, onBegin: () => tell({type: 'begun'})}).then(
    (answer) => tell({type: 'answer', answer}),
    (error: Error) => tell({type: 'thrown', message: error.message}),
  );
});
