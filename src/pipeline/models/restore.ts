/** What a worker process runs for `predict` and `export`: a stage's `restore`, or its `run` if it has no `restore`. */
import {runnerOf} from '../stages/define.ts';
import {stages} from '../stages/index.ts';

export const runStage = runnerOf(stages, 'restore');
