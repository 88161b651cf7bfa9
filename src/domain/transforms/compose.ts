import type {Rng} from '../../core/base/random.ts';
import type {FloatImage} from '../../core/plugin/contracts.ts';
import type {PluginRef, Plugins} from '../../core/plugin/registry.ts';

/**
 * A list of transforms as one function, applied first to last; the empty list gives the image itself.
 *
 * All of them draw from the one stream, one after the other: two calls with the same `rng` are two different draws,
 * which is what makes a positive pair. (Sub-streams by name would make them equal.)
 */
export function compose(
  transforms: readonly PluginRef[],
  plugins: Plugins,
): (image: FloatImage, rng: Rng) => FloatImage {
  const made = transforms.map((transform) => plugins.create('transform', transform));
  return (image, rng) => made.reduce((current, transform) => transform.apply(current, rng), image);
}
