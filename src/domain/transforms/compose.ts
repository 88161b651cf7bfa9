import type {Rng} from '../../core/base/random.ts';
import type {FloatImage} from '../../core/contracts/data.ts';
import type {PluginRef} from '../../core/contracts/definition.ts';
import type {PluginFactory} from '../../core/contracts/learner.ts';

/**
 * A list of transforms as one function, applied first to last; the empty list gives the image itself.
 *
 * All of them draw from the one stream, one after the other: two calls with the same `rng` are two different draws,
 * which is what makes a positive pair. (Sub-streams by name would make them equal.)
 */
export function compose(
  transforms: readonly PluginRef[],
  plugins: PluginFactory,
): (image: FloatImage, rng: Rng) => FloatImage {
  const made = transforms.map((transform) => plugins.create('transform', transform));
  return (image, rng) => made.reduce((current, transform) => transform.apply(current, rng), image);
}
