/** Defects as transforms: for validation images that are made, and for the augmentation of a learner (docs/paper-notes.md 3.2, 13.6). */
import {defineTransform} from '../../core/contracts/transform.ts';
import {Type} from '../../core/plugin/type.ts';
import {confettiNoise} from './confetti.ts';
import {cutPaste, cutPasteScar, type DefectOptions} from './defects.ts';

/** Those of the learner `cutpaste`. */
const usual: DefectOptions = {min_area: 0.02, max_area: 0.15, aspect: 'log-uniform', patch_jitter: 0.1, scar_scale: 1};

const jitterOption = Type.Number({
  minimum: 0,
  maximum: 0.5,
  default: usual.patch_jitter,
  description: 'Strength of the brightness, contrast, saturation and hue jitter of the pasted patch.',
});

export const cutpasteTransform = defineTransform({
  name: 'cutpaste',
  version: 1,
  summary: 'Cuts a patch out of the image and pastes it somewhere else on it.',
  paper: 'Li et al. 2021 (CutPaste)',
  options: Type.Object(
    {
      min_area: Type.Number({
        exclusiveMinimum: 0,
        maximum: 1,
        default: usual.min_area,
        description: 'Smallest part of the image that the patch covers.',
      }),
      max_area: Type.Number({exclusiveMinimum: 0, maximum: 1, default: usual.max_area, description: 'Largest.'}),
      patch_jitter: jitterOption,
    },
    {additionalProperties: false},
  ),
  create: (options) => ({apply: (image, rng) => cutPaste(image, {...usual, ...options}, rng)}),
});

export const cutpasteScar = defineTransform({
  name: 'cutpaste-scar',
  version: 1,
  summary: 'Cuts a long thin patch out of the image and pastes it, turned by up to 45°, somewhere else on it.',
  paper: 'Li et al. 2021 (CutPaste-Scar)',
  options: Type.Object(
    {
      scar_scale: Type.Number({
        exclusiveMinimum: 0,
        default: usual.scar_scale,
        description: 'Factor on the sides of the patch, 2 to 16 by 10 to 25 pixels.',
      }),
      patch_jitter: jitterOption,
    },
    {additionalProperties: false},
  ),
  create: (options) => ({apply: (image, rng) => cutPasteScar(image, {...usual, ...options}, rng)}),
});

export const confetti = defineTransform({
  name: 'confetti',
  version: 1,
  summary: 'Adds blurred squares of random colours, as FCDD makes anomalies.',
  paper: 'Liznerski et al. 2021 (FCDD)',
  options: Type.Object({}, {additionalProperties: false}),
  create: () => ({apply: (image, rng) => confettiNoise(image, usual, rng)}),
});
