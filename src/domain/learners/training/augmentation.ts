import type {PluginRef} from '../../../core/contracts/definition.ts';

/** A of Sohn et al. 2021, the same for all their learners and datasets, as the released code runs it: without its blur (paper 2.2). */
export const paperAugmentation: readonly PluginRef[] = [
  {type: 'crop', min_side: 0.5},
  {type: 'hflip'},
  {type: 'jitter', brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.4},
  {type: 'grayscale', p: 0.2},
];

/**
 * Translation and colour jitter of the whole image (docs/paper-notes.md 3.3). The paper gives no strengths; these are the defaults
 * in the released code of the ICLR paper, which shares authors with it.
 */
export const cutPasteAugmentation: readonly PluginRef[] = [
  {type: 'shift', by: 0.125},
  {type: 'jitter', brightness: 0.125, contrast: 0.4, saturation: 0.4, hue: 0},
];

/**
 * T of CSI (Tack et al. 2020, section 3 and its released code): windows of 8 to 100 % of the area, mirroring, colours. Our crop keeps the
 * shape of the image, and our jitter is in every draw, theirs in 80 %.
 */
export const csiAugmentation: readonly PluginRef[] = [
  {type: 'crop', min_side: 0.28},
  {type: 'hflip'},
  {type: 'jitter', brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1},
  {type: 'grayscale', p: 0.2},
];
