/** The cache key of a stage, as text and hashed. `explain.ts` describes the differences between two keys. */
import {type Digest, digestOf, type Json} from '../../core/base/canonical.ts';
import {codeOf} from '../../core/base/files.ts';
import {invariant} from '../../core/base/result.ts';
import type {StageKind} from '../events.ts';
import type {Manifest, StageNode} from '../stages/stage.ts';

/** Raise it when stages of the same recipe leave other files or columns than before. Every entry is then computed again. */
const format = 1;

/**
 * Raise it when results of engines may have been wrong. All results of stages that compute tensors are then computed again.
 * Since version 1, TensorFlow's kernels are checked before they are used.
 */
const kernels = 1;

/** Whether the result with this key was computed by kernels of the present version, or without tensors. */
export const hasTodaysKernels = ({lane}: Pick<StageNode, 'lane'>, key: Pick<StageKey, 'kernels'>): boolean =>
  lane !== 'accelerator' || key.kernels === kernels;

/** All that determines a stage's result. Kept in its manifest. */
export interface StageKey {
  readonly format: number;
  readonly kind: StageKind;
  readonly recipe: StageNode['recipe'];
  /** Role → digest of the input's content; where it came from does not matter. */
  readonly inputs: {readonly [role: string]: Digest};
  /** Name → digest of the content of a dataset's file. */
  readonly sources: {readonly [name: string]: Digest};
  /** Name → digest of a code file of the user's own plug-ins, as the runner loaded it; absent if there is none. */
  readonly code?: {readonly [name: string]: Digest};
  /** Version of the engines' kernels; absent: the stage does not compute tensors. */
  readonly kernels?: number;
  /** In which its network is computed; absent: float32. */
  readonly precision?: StageNode['precision'];
}

/** The key of a stage whose inputs exist. `made` returns a stage's manifest by id, `digest` the digest of a file's content. */
export async function keyOf(
  node: StageNode,
  made: (stage: string) => Manifest,
  digest: (path: string) => Promise<Digest>,
): Promise<StageKey> {
  const inputs = Object.entries(node.inputs).map(([role, {stage, file}]): [string, Digest] => {
    const found = made(stage).files[file];
    invariant(found, `"${made(stage).label}" left no ${file}, which "${node.label}" needs`);
    return [role, found.sha256];
  });
  // One file at a time: thousands of images, each with its buffers, would not fit into memory.
  const digests = async (files: StageNode['sources']): Promise<{readonly [name: string]: Digest}> => {
    const found: {[name: string]: Digest} = {};
    for (const {name, path} of files) {
      found[name] = await digest(path).catch((error: unknown) => {
        throw new Error(`cannot read ${path} any more (${codeOf(error) ?? String(error)})`, {cause: error});
      });
    }
    return found;
  };
  return {
    format,
    kind: node.kind,
    recipe: node.recipe,
    inputs: Object.fromEntries(inputs),
    sources: await digests(node.sources),
    ...(node.code ? {code: Object.fromEntries(node.code.map(({name, sha256}) => [name, sha256]))} : {}),
    ...(node.lane === 'accelerator' ? {kernels} : {}),
    ...(node.precision ? {precision: node.precision} : {}),
  };
}

export const fingerprintOf = (key: StageKey): Digest => digestOf(key as unknown as Json);
