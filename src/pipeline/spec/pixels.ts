import type {Issue} from '../../core/plugin/check.ts';
import type {PluginRef, Plugins} from '../../core/plugin/registry.ts';
import type {Localize} from './spec.ts';

/** Metrics of pixels want maps and masks; maps want windows that fit into the images. */
export function pixelIssues(
  plugins: Plugins,
  dataset: PluginRef,
  localize: Localize | undefined,
  metrics: readonly PluginRef[],
): readonly Issue[] {
  const {shape, masks = false} = plugins.create('dataset', dataset);
  const issues: Issue[] = [];
  for (const [i, {type}] of metrics.entries()) {
    if (plugins.get('metric', type).of !== 'pixels') continue;
    if (!localize)
      issues.push({
        path: ['metrics', i],
        at: 'value',
        message: `metric "${type}" is one of pixels, but nothing scores pixels here`,
        hint: 'Add "localize: {patch: 32, stride: 4}".',
      });
    if (!masks)
      issues.push({
        path: ['metrics', i],
        at: 'value',
        message: `metric "${type}" needs masks, but dataset "${dataset.type}" has none with these options`,
        hint: 'mvtec has masks; image-folder with "masks: true", synthetic with "defects: true".',
      });
  }
  const side = Math.min(shape.height, shape.width);
  if (localize && localize.patch > side)
    issues.push({
      path: ['localize', 'patch'],
      at: 'value',
      message: `windows of ${localize.patch} pixels do not fit into images of ${shape.width} × ${shape.height}`,
      hint: `At most ${side}.`,
    });
  return issues;
}
