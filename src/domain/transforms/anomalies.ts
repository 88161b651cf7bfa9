/** Defects as transforms: for validation images that are made, and for the augmentation of a learner (docs/paper-notes.md 3.2, 13.6). */
import {defineTransform} from '../../core/contracts/transform.ts';
import {Type} from '../../core/plugin/type.ts';
import {confettiNoise} from './confetti.ts';
import {
  cutoutGrey,
  cutoutMean,
  cutoutRandom,
  cutPaste,
  cutPasteScar,
  type Defect,
  type DefectOptions,
  scar,
} from './defects.ts';

/** Those of the learner `cutpaste`. */
const usual: DefectOptions = {min_area: 0.02, max_area: 0.15, aspect: 'log-uniform', patch_jitter: 0.1, scar_scale: 1};

const jitterOption = Type.Number({
  minimum: 0,
  maximum: 0.5,
  default: usual.patch_jitter,
  description: 'Strength of the brightness, contrast, saturation and hue jitter of the pasted patch.',
});

const areaOptions = {
  min_area: Type.Number({
    exclusiveMinimum: 0,
    maximum: 1,
    default: usual.min_area,
    description: 'Smallest part of the image that the patch covers.',
  }),
  max_area: Type.Number({exclusiveMinimum: 0, maximum: 1, default: usual.max_area, description: 'Largest.'}),
};

const scaleOption = Type.Number({
  exclusiveMinimum: 0,
  default: usual.scar_scale,
  description: 'Factor on the sides of the patch, 2 to 16 by 10 to 25 pixels.',
});

export const cutpasteTransform = defineTransform({
  name: 'cutpaste',
  version: 1,
  summary: 'Cuts a patch out of the image and pastes it somewhere else on it.',
  paper: 'Li et al. 2021 (CutPaste)',
  options: Type.Object(
    {
      ...areaOptions,
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
      scar_scale: scaleOption,
      patch_jitter: jitterOption,
    },
    {additionalProperties: false},
  ),
  create: (options) => ({apply: (image, rng) => cutPasteScar(image, {...usual, ...options}, rng)}),
});

const cutouts: {readonly [colour: string]: Defect} = {grey: cutoutGrey, mean: cutoutMean, random: cutoutRandom};

export const cutoutTransform = defineTransform({
  name: 'cutout',
  version: 1,
  summary: 'Covers a patch of the image with one colour.',
  paper: 'DeVries & Taylor 2017; colours as in Li et al. 2021 (CutPaste), table 4',
  options: Type.Object(
    {
      colour: Type.Union([Type.Literal('grey'), Type.Literal('mean'), Type.Literal('random')], {
        default: 'grey',
        description: 'grey: 0.5; mean: that of the image; random: a new one each time.',
      }),
      ...areaOptions,
    },
    {additionalProperties: false},
  ),
  create: ({colour, ...areas}) => ({apply: (image, rng) => cutouts[colour]!(image, {...usual, ...areas}, rng)}),
});

export const scarTransform = defineTransform({
  name: 'scar',
  version: 1,
  summary: 'Covers a long thin patch, turned by up to 45°, with one random colour.',
  paper: 'Li et al. 2021 (CutPaste), table 1, "scar"',
  options: Type.Object({scar_scale: scaleOption}, {additionalProperties: false}),
  create: (options) => ({apply: (image, rng) => scar(image, {...usual, ...options}, rng)}),
});

export const confetti = defineTransform({
  name: 'confetti',
  version: 2,
  summary: 'Takes blurred squares of random colours from the image, as FCDD makes anomalies.',
  paper: 'Liznerski et al. 2021 (FCDD)',
  options: Type.Object({}, {additionalProperties: false}),
  create: () => ({apply: (image, rng) => confettiNoise(image, usual, rng)}),
});
