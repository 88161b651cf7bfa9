/** What a worker process runs for `plan --estimate`: the recipe is a `Training`, the summary network inputs a second. */

import type {Training} from '../plan/estimate.ts';
import type {RunStage} from '../stages/stage.ts';
import {measureSpeed} from './measure.ts';

export const runStage: RunStage = ({recipe, plugins}) => measureSpeed(recipe as unknown as Training, plugins);
