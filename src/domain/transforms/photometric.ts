/** Grey and blur. */

import type {FloatImage} from '../../core/contracts/data.ts';
import {defineTransform} from '../../core/contracts/transform.ts';
import {gaussianBlur} from '../../core/images/gaussian-blur.ts';
import {Type} from '../../core/plugin/type.ts';

/** Luma (ITU-R BT.601) in all three channels; a grey pixel stays as it is to the last bit. */
export function toGrey(image: FloatImage): FloatImage {
  const data = image.data.slice();
  for (let i = 0; i < data.length; i += 3) {
    const r = data[i]!;
    const g = data[i + 1]!;
    const b = data[i + 2]!;
    const luma = r === g && g === b ? r : 0.299 * r + 0.587 * g + 0.114 * b;
    data[i] = luma;
    data[i + 1] = luma;
    data[i + 2] = luma;
  }
  return {...image, data};
}

export const grayscale = defineTransform({
  name: 'grayscale',
  version: 1,
  summary: 'Removes the colour (luma in all three channels), with probability p.',
  paper: 'Sohn et al. 2021',
  options: Type.Object(
    {p: Type.Number({minimum: 0, maximum: 1, default: 0.2, description: 'Probability that an image becomes grey.'})},
    {additionalProperties: false},
  ),
  create: ({p}) => ({
    apply: (image, rng) => (rng.uniform() < p ? toGrey(image) : {...image, data: image.data.slice()}),
  }),
});

export const blur = defineTransform({
  name: 'blur',
  version: 1,
  summary: 'Gaussian blur of random width, with probability p.',
  paper: 'Sohn et al. 2021: in every recipe, but without effect in the released code, so not in our recipes',
  options: Type.Object(
    {
      p: Type.Number({minimum: 0, maximum: 1, default: 0.5, description: 'Probability of the blur.'}),
      min_sigma: Type.Number({
        exclusiveMinimum: 0,
        default: 0.1,
        description: 'Smallest standard deviation, in pixels.',
      }),
      max_sigma: Type.Number({exclusiveMinimum: 0, default: 2, description: 'Largest standard deviation, in pixels.'}),
    },
    {additionalProperties: false},
  ),
  create: ({p, min_sigma, max_sigma}) => ({
    apply(image, rng) {
      if (rng.uniform() >= p) return {...image, data: image.data.slice()};
      // A tenth of the side, made odd: 3 taps at 32 pixels, 7 at 64.
      const radius = Math.floor(Math.floor(Math.min(image.height, image.width) / 10) / 2);
      return gaussianBlur(image, rng.uniform(min_sigma, max_sigma), radius);
    },
  }),
});
