import {defineDataset} from '../../../core/contracts/dataset.ts';
import {Type} from '../../../core/plugin/type.ts';
import {oneVersusRest} from '../one-class.ts';
import {locateFiles, type Publication} from '../readers/locate.ts';
import {type Cifar, cifarShape, readCifar} from './cifar.ts';

const cifar: Cifar = {
  archive: 'cifar-100-binary.tar.gz',
  splits: {train: {files: ['train.bin'], records: 50_000}, test: {files: ['test.bin'], records: 10_000}},
  // The coarse label comes first, then the fine one.
  labels: [20, 100],
  classes: [
    'aquatic-mammals',
    'fish',
    'flowers',
    'food-containers',
    'fruit-and-vegetables',
    'household-electrical-devices',
    'household-furniture',
    'insects',
    'large-carnivores',
    'large-man-made-outdoor-things',
    'large-natural-outdoor-scenes',
    'large-omnivores-and-herbivores',
    'medium-mammals',
    'non-insect-invertebrates',
    'people',
    'reptiles',
    'small-mammals',
    'trees',
    'vehicles-1',
    'vehicles-2',
  ],
};

const publication: Publication = {
  folder: 'cifar100',
  files: [
    {
      name: cifar.archive,
      bytes: 168_513_733,
      sha256: '58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec',
    },
  ],
  unpacked: [
    ['cifar-100-binary/train.bin', 'cifar-100-binary/test.bin'],
    ['train.bin', 'test.bin'],
  ],
  system: [],
  urls: ['https://www.cs.toronto.edu/~kriz/'],
  remedy: `fetch https://www.cs.toronto.edu/~kriz/${cifar.archive}`,
};

export const cifar100 = defineDataset({
  name: 'cifar100',
  version: 1,
  summary:
    'CIFAR-100 by its 20 coarse labels, in colour, 32 × 32; one against the rest. 2500 + 500 images a coarse class.',
  paper: 'Krizhevsky 2009; coarse labels as in Sohn et al. 2021',
  options: Type.Object({}, {additionalProperties: false}),
  create: () => ({
    ...oneVersusRest(cifar.classes),
    shape: cifarShape,
    trainImages: () => 2500,
    locate: (roots) => locateFiles(roots, publication),
    read: (files, split) => readCifar(cifar, files, split),
  }),
});
