/** Whether a classifier can read what a learner gives. */
import type {PluginRef} from '../../core/contracts/definition.ts';
import type {Issue} from '../../core/plugin/check.ts';
import {layersOf, type Plugins} from '../../core/plugin/registry.ts';

/** What keeps it from that: it has no such layer (of the definition, or its own option), or other features. The path is inside of the classifier. */
export function misfitOf(plugins: Plugins, ref: PluginRef, learner: PluginRef): Issue | undefined {
  const definition = plugins.find('classifier', ref.type);
  const layer = definition?.layer ?? ref['layer'];
  const layers = layersOf(plugins, learner);
  if (typeof layer === 'string' && !layers.includes(layer))
    return {
      path: definition?.layer === undefined ? ['layer'] : [],
      at: 'value',
      message: `classifier "${ref.type}" reads the layer "${layer}", which learner "${learner.type}" does not have`,
      hint: `Layers of "${learner.type}": ${layers.join(', ')}.`,
    };
  const misfit = definition?.misfit?.(ref as never, learner);
  return misfit && {path: [], at: 'value', ...misfit};
}
