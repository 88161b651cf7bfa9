/** Transforms of one image, of augmentation and of distribution augmentation. */
import type {Rng} from '../base/random.ts';
import type {TObject} from '../plugin/type.ts';
import type {FloatImage} from './data.ts';
import type {Definition} from './definition.ts';

export interface Transform {
  /** A new image with the same channels; never changes its argument; all randomness comes from `rng`. */
  apply(image: FloatImage, rng: Rng): FloatImage;
}

export interface TransformDefinition<O extends TObject = TObject> extends Definition<'transform', O, Transform> {}

// An identity function: it infers the option type from the schema, so that `create` is typed without a cast.
export const defineTransform = <const O extends TObject>(d: Omit<TransformDefinition<O>, 'kind'>) =>
  ({kind: 'transform', ...d}) as TransformDefinition<O>;
