/** The kinds of stages, in the order in which a task's stages are planned. Workers run them. */
import {agree} from './agree.ts';
import {audit} from './audit.ts';
import {contaminate} from './contaminate.ts';
import {data} from './data.ts';
import {recordedKind, runnerOf, type StageDefinition} from './define.ts';
import {embed} from './embed.ts';
import {ensemble} from './ensemble.ts';
import {evaluate} from './evaluate.ts';
import {gradcam} from './gradcam.ts';
import {holdOut} from './hold-out.ts';
import {learn} from './learn.ts';
import {localize} from './localize.ts';
import {measure} from './measure.ts';
import {pretext} from './pretext.ts';
import {refine} from './refine.ts';
import {score} from './score.ts';
import {validate} from './validate.ts';

export const stages: readonly StageDefinition[] = [
  data,
  contaminate,
  holdOut,
  learn,
  embed,
  measure,
  pretext,
  refine,
  audit,
  gradcam,
  score,
  validate,
  localize,
  evaluate,
  ensemble,
  agree,
];

/** As they are recorded. */
export const stageKinds: readonly string[] = [...new Set(stages.map(recordedKind))];

export const runStage = runnerOf(stages);
