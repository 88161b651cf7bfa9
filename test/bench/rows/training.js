/** Rows of stage one: training steps against PyTorch's and TensorFlow's own, and what feeds them. */
import {availableParallelism} from 'node:os';
import {contest, peer, python, script} from '../rig.js';

const threads = availableParallelism();

/** Images a second of the ResNet-18 train step at batch 64, 32 × 32. */
async function trainStep(width, learner, steps, rounds) {
  const args = [String(width), '64', String(threads), learner];
  const contestants = {
    ours: () => peer(process.execPath, [script('ours.js'), ...args, 'tensorflow']),
    onnx: () => peer(process.execPath, [script('ours.js'), ...args, 'onnx']),
    wasm: () => peer(process.execPath, [script('ours.js'), ...args, 'wasm']),
    pytorch: () => peer(python, [script('resnet_torch.py'), ...args]),
    'tf.function': () => peer(python, [script('resnet_tf.py'), ...args]),
  };
  const figures = await contest(contestants, async (one) => (64 * steps) / (await one.run(steps)), rounds);
  const peers = ['pytorch', 'tf.function'].filter((name) => figures[name]);
  return {
    what: `${learner} step, ResNet-18 width ${width}, 64 inputs, inputs/s`,
    better: 'higher',
    figures,
    ...(figures.ours && peers.length > 0
      ? {
          against: `the faster of ${peers.join(' and ')}`,
          ratios: figures.ours.map((ours, round) => ours / Math.max(...peers.map((name) => figures[name][round]))),
        }
      : {}),
    target: 'at least 1.0',
  };
}

/** Inputs a second of the rotation step on PyTorch's library: our recorded step, the same one operation by operation, and PyTorch's own. */
async function torchStep(width, steps, rounds) {
  const args = [String(width), '64', String(threads), 'rotation'];
  const contestants = {
    ours: () => peer(process.execPath, [script('ours.js'), ...args, 'torch']),
    'one by one': () => peer(process.execPath, [script('ours.js'), ...args, 'torch', 'eager']),
    bf16: () => peer(process.execPath, [script('ours.js'), ...args, 'torch', 'bf16']),
    tensorflow: () => peer(process.execPath, [script('ours.js'), ...args, 'tensorflow']),
    pytorch: () => peer(python, [script('resnet_torch.py'), ...args]),
  };
  const figures = await contest(contestants, async (one) => (64 * steps) / (await one.run(steps)), rounds);
  const {ours, pytorch} = figures;
  return {
    what: `rotation step on engine torch, ResNet-18 width ${width}, 64 inputs, inputs/s`,
    better: 'higher',
    figures,
    ...(ours && pytorch && {against: 'pytorch', ratios: ours.map((own, round) => own / pytorch[round])}),
    target: 'at least 0.97',
  };
}

/**
 * What it costs to compute wrong kernels another way: inputs a second of the rotation step with the checked kernels, and with the
 * library's as they are on this processor, some of which crash.
 */
async function replacedKernels(network, batch, steps, rounds) {
  const args = [script('ours.js'), network, String(batch), String(threads), 'rotation', 'tensorflow'];
  const contestants = {
    ours: () => peer(process.execPath, args),
    'kernels as they are': () => peer(process.execPath, [...args, 'unchecked']),
  };
  const figures = await contest(contestants, async (one) => (batch * steps) / (await one.run(steps)), rounds);
  const asTheyAre = figures['kernels as they are'];
  const named = network === 'efficientnet' ? 'EfficientNet-B0, 64 × 64' : `ResNet-18 width ${network}`;
  return {
    what: `rotation step with right kernels, ${named}, ${batch} inputs, inputs/s`,
    better: 'higher',
    figures,
    ...(asTheyAre && {
      against: 'kernels as they are',
      ratios: figures.ours.map((ours, round) => ours / asTheyAre[round]),
    }),
    target: 'near 1.0',
  };
}

/**
 * Network inputs a second of a real training (rotation prediction, ResNet-18 of width 1/4, the paper's augmentation), of the same
 * training on batches that are there already, and of augmentation alone.
 */
async function feed(rounds) {
  const contestants = {
    fed: () => peer(process.execPath, [script('feed.js'), 'fed']),
    'batches at hand': () => peer(process.execPath, [script('feed.js'), 'at-hand']),
    'augmentation alone': () => peer(process.execPath, [script('feed.js'), 'alone']),
  };
  const figures = await contest(contestants, async (one) => (64 * 12) / (await one.run(12)), rounds, []);
  return {
    what: 'training with augmentation ahead of it, ResNet-18 width 1/4, rotation, inputs/s',
    better: 'higher',
    figures,
    against: 'batches at hand',
    ratios: figures.fed.map((fed, round) => fed / figures['batches at hand'][round]),
    target: 'near 1.0 where cores are free',
  };
}

/** Windows a second in dense extraction, 841 of an image. */
async function dense(images, rounds) {
  const contestants = {
    ours: () => peer(process.execPath, [script('ours-dense.js'), 'tensorflow']),
    wasm: () => peer(process.execPath, [script('ours-dense.js'), 'wasm']),
    pytorch: () => peer(python, [script('dense_torch.py'), String(threads)]),
  };
  const figures = await contest(contestants, async (one) => (841 * images) / (await one.run(images)), rounds);
  return {
    what: 'dense extraction, windows of 32 pixels every 8 of 256 × 256, ResNet-18 width 1/4, windows/s',
    better: 'higher',
    figures,
    ...(figures.pytorch && {
      against: 'pytorch',
      ratios: figures.ours.map((ours, round) => ours / figures.pytorch[round]),
    }),
    target: 'near 1.0',
  };
}

/** Seconds of the 3 × 3 convolutions of ResNet-18 width 1/4 on wasm: the filter gradient beside the forward pass. */
async function wasmGradient(rounds) {
  const contestants = {
    forward: () => peer(process.execPath, [script('wasm-conv.js'), 'forward']),
    'filter gradient': () => peer(process.execPath, [script('wasm-conv.js'), 'filter']),
    'input gradient': () => peer(process.execPath, [script('wasm-conv.js'), 'input']),
  };
  const figures = await contest(contestants, (one) => one.run(3), rounds);
  return {
    what: 'convolutions of ResNet-18 width 1/4 on wasm, batch 64, three times, s',
    better: 'lower',
    figures,
    against: 'the filter gradient, of the forward pass',
    ratios: figures.forward.map((forward, round) => forward / figures['filter gradient'][round]),
    target: 'at least 0.5',
  };
}

export const rows = {
  'train-width-1/4': () => trainStep(0.25, 'rotation', 8, 5),
  'train-width-1': () => trainStep(1, 'rotation', 2, 3),
  'contrastive-width-1/4': () => trainStep(0.25, 'contrastive', 8, 5),
  'contrastive-width-1': () => trainStep(1, 'contrastive', 2, 3),
  'kernels-width-1/8': () => replacedKernels('0.125', 64, 12, 5),
  'kernels-width-1/4': () => replacedKernels('0.25', 64, 8, 5),
  'kernels-width-3/4': () => replacedKernels('0.75', 64, 3, 5),
  'kernels-width-1': () => replacedKernels('1', 64, 2, 5),
  'kernels-efficientnet': () => replacedKernels('efficientnet', 16, 3, 5),
  'torch-width-1/4': () => torchStep(0.25, 8, 5),
  'torch-width-1': () => torchStep(1, 2, 3),
  dense: () => dense(2, 5),
  feed: () => feed(5),
  'wasm-gradient': () => wasmGradient(5),
};
