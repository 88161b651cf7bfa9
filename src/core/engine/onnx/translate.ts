/** How a kernel of tfjs is written as operators of ONNX. */
import type {Sheet, Sheeted} from './sheet.ts';

/** A kernel's outputs, of the shapes `shapes`. */
export type Translate<Attributes> = (
  sheet: Sheet,
  inputs: Readonly<Record<string, Sheeted>>,
  attributes: Attributes,
  shapes: readonly (readonly number[])[],
) => readonly Sheeted[];

/** What no operator is known for: the function then runs kernel by kernel. */
export class Untranslated extends Error {}
