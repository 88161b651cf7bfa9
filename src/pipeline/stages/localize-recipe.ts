/** What determines the maps of a `localize` stage, and its random numbers. */
import {Rng} from '../../core/base/random.ts';
import {type Static, Type} from '../../core/plugin/type.ts';
import {Plugin, strict, WindowsOfImages} from './recipe.ts';
import type {StageContext} from './stage.ts';

/**
 * The features of all windows of an image are scored. The scores are spread over its pixels, and the largest is the image's score
 * (CutPaste, figure 1: "max-pooled for detection or upsampled for localization"). Scores of places of maps are enlarged to the image,
 * bilinear, and smoothed (Roth et al. 2022, 3.3).
 */
export const LocalizeRecipe = Type.Object(
  {
    classifier: Plugin,
    version: Type.Integer(),
    seed: Type.Integer(),
    windows: Type.Optional({
      ...WindowsOfImages,
      description: 'Absent: features are those of places, whose file has their grid.',
    }),
    per_location: Type.Boolean({description: 'true: a separate classifier at every place.'}),
    normal: Type.String({description: 'The normal class, for the pictures.'}),
    sigma: Type.Number({description: 'Of the Gaussian, in pixels.'}),
    blend: Type.Optional(Type.Union([Type.Literal('mean'), Type.Literal('sum')], {description: 'Of windows.'})),
    fitted_on: Type.Optional(
      Type.Literal('all-windows', {description: 'Absent: on some of them where they are many.'}),
    ),
    image_score: Type.Optional(
      Type.Union([Type.Literal('largest-window'), Type.Object({top: Type.Number()}, strict)], {
        description:
          'That of the highest window or place, or the mean of so many of the highest, as a share of all. Absent, as in earlier versions: the ' +
          'largest pixel of the map.',
      }),
    ),
    similar: Type.Optional(
      Type.Integer({
        description:
          'Places are compared with those of so many training images, the most similar ones, and an image’s score is its mean squared distance ' +
          'to them (Cohen & Hoshen 2020). Absent: with those of all.',
      }),
    ),
    foreground: Type.Optional(
      Type.Number({description: 'Places whose first principal component is not more score 0; absent: all count.'}),
    ),
  },
  strict,
);
export type LocalizeRecipe = Static<typeof LocalizeRecipe>;

export const rngOf = ({recipe}: StageContext<LocalizeRecipe>): Rng => new Rng(recipe.seed).fork('classifier');
