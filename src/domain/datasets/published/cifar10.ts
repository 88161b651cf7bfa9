import {defineDataset} from '../../../core/contracts/dataset.ts';
import {Type} from '../../../core/plugin/type.ts';
import {oneVersusRest} from '../one-class.ts';
import {locateFiles, type Publication} from '../readers/locate.ts';
import {type Cifar, cifarShape, readCifar} from './cifar.ts';

const train = [1, 2, 3, 4, 5].map((number) => `data_batch_${number}.bin`);
const test = ['test_batch.bin'];

const cifar: Cifar = {
  archive: 'cifar-10-binary.tar.gz',
  splits: {train: {files: train, records: 10_000}, test: {files: test, records: 10_000}},
  labels: [10],
  classes: ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'],
};

const publication: Publication = {
  folder: 'cifar10',
  files: [
    {
      name: cifar.archive,
      bytes: 170_052_171,
      sha256: 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
    },
  ],
  unpacked: [[...train, ...test].map((name) => `cifar-10-batches-bin/${name}`), [...train, ...test]],
  system: [],
  urls: ['https://www.cs.toronto.edu/~kriz/'],
  remedy: `fetch https://www.cs.toronto.edu/~kriz/${cifar.archive}`,
};

export const cifar10 = defineDataset({
  name: 'cifar10',
  version: 1,
  summary:
    'Ten kinds of things and animals in colour, 32 × 32; one against the rest. 5000 + 1000 images in each class.',
  paper: 'Krizhevsky 2009',
  options: Type.Object({}, {additionalProperties: false}),
  create: () => ({
    ...oneVersusRest(cifar.classes),
    shape: cifarShape,
    trainImages: () => 5000,
    locate: (roots) => locateFiles(roots, publication),
    read: (files, split) => readCifar(cifar, files, split),
  }),
});
