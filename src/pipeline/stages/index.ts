/** The kinds of stages, in the order in which a task's stages are planned. Workers run them. */
import {data} from './data.ts';
import {recordedKind, runnerOf, type StageDefinition} from './define.ts';
import {embed} from './embed.ts';
import {ensemble} from './ensemble.ts';
import {evaluate} from './evaluate.ts';
import {gradcam} from './gradcam.ts';
import {learn} from './learn.ts';
import {localize} from './localize.ts';
import {measure} from './measure.ts';
import {score} from './score.ts';

export const stages: readonly StageDefinition[] = [
  data,
  learn,
  embed,
  measure,
  gradcam,
  score,
  localize,
  evaluate,
  ensemble,
];

/** As they are recorded. */
export const stageKinds: readonly string[] = [...new Set(stages.map(recordedKind))];

export const runStage = runnerOf(stages);
