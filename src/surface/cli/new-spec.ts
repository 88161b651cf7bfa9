/** The spec that `pipeline new` writes for images of one's own. Pure. */
import {plural} from '../../core/base/text.ts';
import type {Survey} from './survey.ts';

export interface NewSpec {
  /** Name of the spec. */
  readonly name: string;
  /** Of the images, relative to the spec, or absolute. */
  readonly folder: string;
  readonly survey: Survey;
}

/** What was chosen, in words and numbers. */
export interface Chosen {
  readonly size: number;
  /** Heat maps: of one normal class, whose anomalies are defects. */
  readonly maps: boolean;
  readonly learner: 'cutpaste' | 'rotation';
}

/** Sides that networks halve often enough. */
const sides = [128, 96, 64, 48, 32];

export function choose({layout, sizes}: Survey): Chosen {
  const shortest = Math.min(...sizes.map(({height, width}) => Math.min(height, width)));
  const maps = layout.classes === undefined;
  const most = maps ? 128 : 64;
  const size = sides.find((side) => side <= most && side <= shortest) ?? 32;
  return {size, maps, learner: maps ? 'cutpaste' : 'rotation'};
}

export function specText({name, folder, survey}: NewSpec): string {
  const {layout, sizes} = survey;
  const {size, maps} = choose(survey);
  const options = [
    ['folder', text(folder)],
    ...(layout.list === undefined ? [] : [['list', text(layout.list)]]),
    ...(layout.normal === undefined ? [] : [['normal', text(layout.normal)]]),
    ...(layout.classes === undefined ? [] : [['classes', `[${layout.classes.map(text).join(', ')}]`]]),
    ...(layout.masks ? [['masks', 'true']] : []),
    ['size', `${size} # ${sizesText(sizes)}; larger images show smaller defects and take longer`],
    ['fit', 'stretch # or crop: the middle alone'],
  ];
  return `# ${countsText(survey)}
name: ${text(name)}
description: >
  Made by "pipeline new". A short training of a small network, in minutes on two cores. With a GPU, take the network resnet18 instead
  of small (without its width), size 256, and leave out epochs, steps_per_epoch and batch: those are the paper's then.

dataset:
  type: image-folder
${options.map(([key, value]) => `  ${key}: ${value}`).join('\n')}

${maps ? ofDefects(size, Math.min(32, survey.train), layout.masks === true) : ofClasses()}
seeds: 1
`;
}

/** Normal images of one kind. */
const ofDefects = (size: number, batch: number, masks: boolean): string => `matrix:
  learner:
    - type: untrained # the control: what the other learner adds is the difference
      network: { type: small, width: 16, head: [64] }
    - type: cutpaste # learns from patches of normal images to find what was pasted in
      variant: 3way
      patch: ${size / 2}
      network: { type: small, width: 16, head: [64] }
      epochs: 8
      steps_per_epoch: 32
      batch: ${batch}

# Heat maps. If all images show one object in one pose (this cannot be seen from outside), add density: per-location.
localize: { patch: ${Math.max(16, size / 4)}, stride: ${Math.max(4, size / 16)} }

classifiers: [{ type: gde, shrinkage: ledoit-wolf }]
metrics: [auc${masks ? ', pixel-auc, aupro' : ''}]`;

/** Several classes, each normal in turn. */
const ofClasses = (): string => `matrix:
  learner:
    - type: untrained # the control: what the other learner adds is the difference
      network: { type: small, width: 16 }
    - type: rotation # for images with a clear "up"
      network: { type: small, width: 16, head: [64] }
      epochs: 12
      batch: 32

classifiers: [kde]
metrics: [auc]`;

/** `20 images for training; for testing 4 normal and no anomalous ones.` */
export function countsText({train, test, layout}: Survey): string {
  const none = (count: number): string => (count === 0 ? 'no' : String(count));
  const tested = layout.classes
    ? `${test.normal} for testing, of ${plural(layout.classes.length, 'class', 'classes')}, each normal in turn`
    : `for testing ${none(test.normal)} normal and ${none(test.anomalous)} anomalous ones, ${layout.masks ? 'with' : 'without'} masks`;
  return `${plural(train, 'image')} for training${layout.classes ? ',' : ';'} ${tested}.`;
}

/** `the images have 96 × 80 pixels` */
export function sizesText(sizes: Survey['sizes']): string {
  const told = [...new Set(sizes.map(({height, width}) => `${width} × ${height}`))];
  if (told.length === 1) return `the images have ${told[0]} pixels`;
  const sorted = sizes.toSorted((a, b) => a.height * a.width - b.height * b.width);
  const [least, most] = [sorted[0]!, sorted.at(-1)!];
  return `the images have ${least.width} × ${least.height} to ${most.width} × ${most.height} pixels`;
}

/** A text in YAML; in quotes where it could be anything else. */
const text = (value: string): string =>
  /^[A-Za-z_][\w./-]*$/.test(value) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(value)
    ? value
    : JSON.stringify(value);
