/** A process that makes one trial after the other: what `main.js` watches, and ends when a trial hangs. */
import {runTrial} from './trial.js';

process.on('message', async (job) => {
  try {
    process.send({number: job.number, ...(await runTrial(job))});
  } catch (error) {
    process.send({number: job.number, broken: error.stack});
  }
});
process.on('disconnect', () => process.exit());
process.send({ready: true});
