/** What a worker process runs for `predict` and `export`: the stages of a run, restored where they know how to be. */
import {runnerOf} from '../stages/define.ts';
import {stages} from '../stages/index.ts';

export const runStage = runnerOf(stages, 'restore');
