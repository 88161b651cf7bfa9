/** A small whole spec for each plug-in. All that need no files are run by `test/docs/`. */
import type {Kind} from '../../core/contracts/definition.ts';
import type {AnyDefinition} from '../../core/plugin/registry.ts';

/** How a plug-in is written in its example, if its name would not show enough. */
const written: {readonly [plugin: string]: string} = {
  'dataset fashion-mnist':
    '{ type: fashion-mnist, edition: small, normal_classes: [bag], limit: { train: 40, test: 40 } }',
  'dataset cifar10': '{ type: cifar10, normal_classes: [ship, truck] }',
  'dataset cifar100': '{ type: cifar100, normal_classes: [trees] }',
  'dataset cats-vs-dogs': '{ type: cats-vs-dogs, normal_classes: [dog] }',
  'dataset celeba': 'celeba',
  'dataset mvtec': '{ type: mvtec, size: 256, normal_classes: [bottle] }',
  'dataset mvtec-synthetic': '{ type: mvtec-synthetic, shape: ellipse, normal_classes: [bottle] }',
  'dataset mvtec-loco': '{ type: mvtec-loco, size: 256, normal_classes: [pushpins] }',
  'dataset mvtec-ad-2': '{ type: mvtec-ad-2, size: 256, normal_classes: [vial] }',
  'dataset visa': '{ type: visa, size: 256, crop: 224, normal_classes: [candle] }',
  'dataset image-folder': '{ type: image-folder, folder: bolts, size: 128, fit: crop }',
  'dataset synthetic': '{ type: synthetic, size: 32, classes: 3, train: 32, test: 16, normal_classes: [stripes] }',
  'transform crop': 'crop: { min_side: 0.6 }',
  'transform shift': 'shift: { by: 0.1 }',
  'transform jitter': 'jitter: { brightness: 0.2, hue: 0.1 }',
  'transform blur': 'blur: { p: 0.2, max_sigma: 1 }',
  'network resnet18': '{ type: resnet18, width: 0.0625 }',
  'network resnet10': '{ type: resnet10, width: 0.0625 }',
  'network resnet34': '{ type: resnet34, width: 0.0625 }',
  'network resnet50': '{ type: resnet50, width: 0.0625 }',
  'network efficientnet': '{ type: efficientnet, variant: b0 }',
  'network small': '{ type: small, width: 8 }',
  'learner untrained': '{ type: untrained, network: { type: small, width: 8 } }',
  'learner pretrained': '{ type: pretrained, path: resnet50.onnx, output: /avgpool/GlobalAveragePool_output_0 }',
  'learner rotation': '{ type: rotation, network: { type: small, width: 8, head: [32] }, epochs: 2 }',
  'learner contrastive':
    '{ type: contrastive, network: { type: small, width: 8, head: [32, 16] }, epochs: 2, batch: 16 }',
  'learner csi': '{ type: csi, network: { type: small, width: 8, head: [32, 16] }, epochs: 2, batch: 8, crops: 0 }',
  'learner cutpaste':
    '{ type: cutpaste, variant: scar, network: { type: small, width: 8, head: [32] }, epochs: 2, steps_per_epoch: 4, batch: 8 }',
  'learner nsa': '{ type: nsa, network: { type: small, width: 8, head: [32] }, epochs: 2, batch: 8 }',
  'learner denoising':
    '{ type: denoising, network: { type: small, width: 8 }, noise: gaussian, level: 0.1, epochs: 2 }',
  'classifier oc-svm': '{ type: oc-svm, kernel: rbf, nu: 0.1 }',
  'classifier kde': '{ type: kde, gamma_multiplier: 1 }',
  'classifier gde': '{ type: gde, shrinkage: ledoit-wolf }',
  'classifier knn': '{ type: knn, k: 5 }',
  'metric aupro': '{ type: aupro, limit: 0.3 }',
  'metric spro': '{ type: spro, limit: 0.05 }',
  'metric uniformity': '{ type: uniformity, t: 2 }',
  'metric linear-probe': '{ type: linear-probe, c: 0.1 }',
};

const ofFiles = new Set([
  'cifar10',
  'cifar100',
  'cats-vs-dogs',
  'celeba',
  'mvtec',
  'mvtec-synthetic',
  'mvtec-loco',
  'mvtec-ad-2',
  'visa',
  'image-folder',
  'pretrained',
]);

/** Whether the example reads files that do not come with this program. */
export const needsFiles = ({name}: AnyDefinition): boolean => ofFiles.has(name);

export function specWith(definition: AnyDefinition): string {
  const own = written[`${definition.kind} ${definition.name}`] ?? definition.name;
  const changes = {...changesFor[definition.kind](own, definition)};
  return Object.entries({...base, ...changes})
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('');
}

/** Drawn images and a network of a few filters: a run of it is a matter of seconds. */
const base: {readonly [key: string]: string} = {
  dataset: '{ type: synthetic, train: 32, test: 16, normal_classes: [stripes] }',
  learner: '{ type: untrained, network: { type: small, width: 8 } }',
  classifiers: '[kde]',
};
const training = written['learner rotation']!;

const changesFor: {readonly [K in Kind]: (own: string, definition: AnyDefinition) => {readonly [key: string]: string}} =
  {
    dataset: (dataset) => ({dataset}),
    transform: (own) => ({learner: training, augment: `[${own.includes(':') ? `{ ${own} }` : own}]`}),
    network: (network) => ({learner: `{ type: untrained, network: ${network} }`}),
    learner: (learner) => ({learner}),
    classifier: (own, {name}) => ({
      ...(name === 'rotation' && {learner: training}),
      ...(name === 'csi' && {learner: written['learner csi']!}),
      classifiers: `[${own}]`,
    }),
    metric: (own, definition) => {
      const of = definition.kind === 'metric' ? definition.of : undefined;
      const draws = definition.kind === 'metric' && 'views' in definition && definition.views;
      return {
        ...(of === 'pixels' && {
          dataset: '{ type: synthetic, defects: true, train: 32, test: 16, normal_classes: [stripes] }',
          localize: '{ patch: 16, stride: 8 }',
        }),
        ...(of === 'refinement' && {
          dataset: '{ type: synthetic, classes: 3, train: 32, test: 16, normal_classes: [stripes], contaminate: 0.1 }',
          refine: '{ ratio: 0.1 }',
        }),
        ...((of === 'learner' || of === 'agreement') && {
          dataset: '{ type: synthetic, train: 32, test: 16, normal_classes: [stripes], validation: synthetic }',
          learner: training,
        }),
        ...(of === 'agreement' && {seeds: '2'}),
        ...(draws && {augment: '[crop, hflip]'}),
        metrics: `[${own}]`,
      };
    },
  };
