/** The option `pretrained_weights`, which records and cache keys call `start`: a network that was trained elsewhere, whose weights a learner begins with. */
import {existsSync} from 'node:fs';
import {fail, type Result, succeed} from '../../../core/base/result.ts';
import type {NamedArrays} from '../../../core/contracts/data.ts';
import type {DatasetProblem, SourceFile} from '../../../core/contracts/dataset.ts';
import type {Network} from '../../../core/contracts/network.ts';
import {readTensors, tensorsIn} from '../../../core/formats/torch/safetensors.ts';
import {fromTorch} from '../../../core/formats/torch/weights.ts';
import type {ParameterSpec} from '../../../core/nn/layers.ts';
import {pathOption} from '../../../core/plugin/registry.ts';
import {Type} from '../../../core/plugin/type.ts';
import {wordKeyword} from '../../../core/plugin/words.ts';

export const startOption = Type.Optional({
  ...pathOption(
    'Weights of the encoder to begin with instead of random ones: torchvision’s state dict of that network as a safetensors file. ' +
      'In Python: safetensors.torch.save_file(torchvision.models.efficientnet_b4(weights="DEFAULT").state_dict(), "b4.safetensors").',
  ),
  [wordKeyword]: 'pretrained_weights',
});

/** What the papers start from, in words: the path of the file is not a setting. */
export const imagenet = 'ImageNet’s weights';

const remedy =
  'Save torchvision’s state dict of the network with safetensors.torch.save_file(model.state_dict(), "….safetensors").';

/** The file that the option names, for `files` of a learner. */
export function startFiles({start}: {readonly start?: string}): Result<readonly SourceFile[], DatasetProblem> {
  if (start === undefined) return succeed([]);
  if (!existsSync(start)) return fail({message: `there is no file ${start}`, hint: remedy});
  try {
    tensorsIn(start);
  } catch (error) {
    return fail({message: `${start} is not a safetensors file: ${(error as Error).message}`, hint: remedy});
  }
  return succeed([{name: 'start', path: start}]);
}

/** Weights that are not those of the network. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

/** First values of the encoder's parameters from the file. Throws a `StartError` if the file is of another network. */
export function startWeights(path: string, network: Network, parameters: readonly ParameterSpec[]): NamedArrays {
  const {torchName} = network;
  if (!torchName)
    throw new StartError(
      '"pretrained_weights" names a file, but torchvision has no network that is built like this one',
      'Remove "pretrained_weights", or use the network efficientnet.',
    );
  const names = parameters.map(({name}) => torchName(name));
  try {
    return fromTorch(parameters, torchName, readTensors(path, names));
  } catch (error) {
    throw new StartError(`${path} does not belong to this network: ${(error as Error).message}`, remedy);
  }
}
