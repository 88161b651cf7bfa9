import type {PluginRef} from '../../core/plugin/registry.ts';

/** A of Sohn et al. 2021, the same for all their learners and datasets, as the released code runs it: without its blur (paper 2.2). */
export const paperAugmentation: readonly PluginRef[] = [
  {type: 'crop', min_side: 0.5},
  {type: 'hflip'},
  {type: 'jitter', brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.4},
  {type: 'grayscale', p: 0.2},
];
