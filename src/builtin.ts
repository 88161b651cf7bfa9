/** The built-in plug-ins, one line each; the only file that imports all of domain/. */
import type {AnyDefinition} from './core/plugin/registry.ts';
import {csiClassifier} from './domain/classifiers/csi.ts';
import {gde} from './domain/classifiers/gde.ts';
import {kde} from './domain/classifiers/kde.ts';
import {knn} from './domain/classifiers/knn.ts';
import {ocSvm} from './domain/classifiers/oc-svm.ts';
import {rotationClassifier} from './domain/classifiers/rotation.ts';
import {imageFolder} from './domain/datasets/local/image-folder.ts';
import {synthetic} from './domain/datasets/local/synthetic.ts';
import {catsVsDogs} from './domain/datasets/published/cats-vs-dogs.ts';
import {celeba} from './domain/datasets/published/celeba.ts';
import {cifar10} from './domain/datasets/published/cifar10.ts';
import {cifar100} from './domain/datasets/published/cifar100.ts';
import {fashionMnist} from './domain/datasets/published/fashion-mnist.ts';
import {mvtec} from './domain/datasets/published/mvtec.ts';
import {mvtecAd2} from './domain/datasets/published/mvtec-ad-2.ts';
import {mvtecLoco} from './domain/datasets/published/mvtec-loco.ts';
import {mvtecSynthetic} from './domain/datasets/published/mvtec-synthetic.ts';
import {visa} from './domain/datasets/published/visa.ts';
import {contrastive} from './domain/learners/contrastive.ts';
import {csi} from './domain/learners/csi.ts';
import {cutpaste} from './domain/learners/cutpaste.ts';
import {denoising} from './domain/learners/denoising.ts';
import {nsa} from './domain/learners/nsa.ts';
import {pretrained} from './domain/learners/pretrained.ts';
import {rotation} from './domain/learners/rotation.ts';
import {untrained} from './domain/learners/untrained.ts';
import {alignment} from './domain/metrics/alignment.ts';
import {auc} from './domain/metrics/auc.ts';
import {aupro} from './domain/metrics/aupro.ts';
import {averagePrecisionMetric} from './domain/metrics/average-precision.ts';
import {f1Max} from './domain/metrics/f1-max.ts';
import {fpr95} from './domain/metrics/fpr95.ts';
import {linearProbe} from './domain/metrics/linear-probe.ts';
import {pixelAuc} from './domain/metrics/pixel-auc.ts';
import {pixelAveragePrecision} from './domain/metrics/pixel-average-precision.ts';
import {pixelF1Max} from './domain/metrics/pixel-f1-max.ts';
import {proxyAccuracy, proxyLoss} from './domain/metrics/pretext.ts';
import {removedPrecision, removedRecall} from './domain/metrics/removed.ts';
import {spro} from './domain/metrics/spro.ts';
import {stability} from './domain/metrics/stability.ts';
import {uniformity, uniformityMmd} from './domain/metrics/uniformity.ts';
import {efficientnet} from './domain/networks/efficientnet.ts';
import {resnet10, resnet18, resnet34, resnet50} from './domain/networks/resnet.ts';
import {small} from './domain/networks/small.ts';
import {
  confetti,
  cutoutTransform,
  cutpasteScar,
  cutpasteTransform,
  scarTransform,
} from './domain/transforms/anomalies.ts';
import {crop, hflip, rotate90, rotate180, rotate270, shift, vflip} from './domain/transforms/geometry.ts';
import {jitter} from './domain/transforms/jitter.ts';
import {blur, grayscale} from './domain/transforms/photometric.ts';

export const plugins: readonly AnyDefinition[] = [
  fashionMnist,
  cifar10,
  cifar100,
  catsVsDogs,
  celeba,
  mvtec,
  mvtecSynthetic,
  mvtecLoco,
  mvtecAd2,
  visa,
  imageFolder,
  synthetic,
  crop,
  shift,
  hflip,
  vflip,
  jitter,
  grayscale,
  blur,
  rotate90,
  rotate180,
  rotate270,
  cutpasteTransform,
  cutpasteScar,
  cutoutTransform,
  scarTransform,
  confetti,
  resnet10,
  resnet18,
  resnet34,
  resnet50,
  efficientnet,
  small,
  untrained,
  pretrained,
  rotation,
  contrastive,
  csi,
  cutpaste,
  nsa,
  denoising,
  ocSvm,
  kde,
  gde,
  knn,
  rotationClassifier,
  csiClassifier,
  auc,
  averagePrecisionMetric,
  fpr95,
  pixelAuc,
  pixelAveragePrecision,
  pixelF1Max,
  aupro,
  spro,
  f1Max,
  uniformity,
  uniformityMmd,
  alignment,
  linearProbe,
  proxyLoss,
  proxyAccuracy,
  stability,
  removedPrecision,
  removedRecall,
];
