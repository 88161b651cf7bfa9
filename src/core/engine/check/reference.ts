/** What a kernel's results are held against: see the files that make them. */
import type * as TF from '@tensorflow/tfjs';
import type {KernelCall} from './call.ts';
import type {Reference} from './contract.ts';
import {convolutionReference} from './convolutions.ts';
import {depthwiseReference} from './depthwise.ts';
import {batchNormReference} from './normalisations.ts';
import {poolingReference} from './poolings.ts';
import {productReference} from './products.ts';

const makers: {readonly [kernel: string]: (tf: typeof TF, call: KernelCall) => Reference | undefined} = {
  Conv2D: convolutionReference,
  Conv2DBackpropInput: convolutionReference,
  Conv2DBackpropFilter: convolutionReference,
  DepthwiseConv2dNative: depthwiseReference,
  DepthwiseConv2dNativeBackpropInput: depthwiseReference,
  DepthwiseConv2dNativeBackpropFilter: depthwiseReference,
  TrainBatchNorm: batchNormReference,
  TrainBatchNormGrad: batchNormReference,
  FusedBatchNorm: batchNormReference,
  MaxPool: poolingReference,
  MaxPoolGrad: poolingReference,
  AvgPool: poolingReference,
  AvgPoolGrad: poolingReference,
  BatchMatMul: productReference,
};

/** The kernels that are checked. */
export const checkedKernels: readonly string[] = Object.keys(makers);

/** Undefined for calls that are not checked: layouts, dilations and broadcasts that nothing here uses. */
export const referenceOf = (tf: typeof TF, call: KernelCall): Reference | undefined => makers[call.kernel]?.(tf, call);
