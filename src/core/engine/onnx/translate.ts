/** How a kernel of tfjs is written as operators of ONNX. */
import type {LaidOutTensor, LayoutGraph} from './layout-graph.ts';

/** A kernel's outputs, of the shapes `shapes`. */
export type Translate<Attributes> = (
  graph: LayoutGraph,
  inputs: Readonly<Record<string, LaidOutTensor>>,
  attributes: Attributes,
  shapes: readonly (readonly number[])[],
) => readonly LaidOutTensor[];

/** What no operator is known for: the function then runs kernel by kernel. */
export class Untranslated extends Error {}
