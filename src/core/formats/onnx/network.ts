/**
 * Reads an ONNX file to make it a part of another graph: its nodes and weights, with names that no other part has. Weights in files beside
 * it are read.
 */
import {readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {ModelError} from '../image-model.ts';
import {decode, encode, type Field, type Piece} from '../protobuf.ts';
import {attribute, entry, graph, model, node, opsetId, tensor, valueInfo} from './fields.ts';

/** A node or a constant of a graph: what it needs, what it makes, and its message. */
export interface GraphPart {
  readonly needs: readonly string[];
  readonly makes: readonly string[];
  readonly bytes: Uint8Array;
}

export interface OnnxNetwork {
  /** Of the default domain. */
  readonly opset: number;
  readonly irVersion: number;
  /** Other domains, with their versions. */
  readonly domains: ReadonlyMap<string, number>;
  /** Messages of its own functions. */
  readonly functions: readonly Uint8Array[];
  /** First to last. */
  readonly nodes: readonly GraphPart[];
  readonly constants: readonly GraphPart[];
  /** Its only input. */
  readonly input: string;
  /** The new name of one of its tensors. */
  named(tensor: string): string;
}

/** From here on axes of sums and shapes are inputs, as the nodes here have them. */
const oldestOpset = 13;

/** Throws `ModelError`. */
export function readNetwork(path: string): OnnxNetwork {
  const pieces = decode(readFileSync(path));
  const opsets = new Map(
    messages(pieces, model.opset).map((one) => [textOf(one, opsetId.domain), numberOf(one, opsetId.version)]),
  );
  const opset = opsets.get('') ?? opsets.get('ai.onnx') ?? 0;
  if (opset < oldestOpset)
    throw new ModelError(
      `${path} has operators of version ${opset}; to be exported it needs version ${oldestOpset} or later`,
    );
  const whole = messages(pieces, model.graph)[0]!;
  const rename = new Renaming(path);
  const constants = messages(whole, graph.initializer).map((one): GraphPart => {
    const bytes = rename.tensor(one);
    return {needs: [], makes: [rename.named(textOf(one, tensor.name))], bytes};
  });
  const made = new Set(constants.flatMap(({makes}) => makes));
  if (whole.some(({number}) => number === graph.sparse))
    throw new ModelError(`${path} has sparse weights, which cannot be exported`);
  const [input] = messages(whole, graph.input)
    .map((one) => rename.named(textOf(one, valueInfo.name)))
    .filter((name) => !made.has(name));
  return {
    opset,
    irVersion: numberOf(pieces, model.irVersion),
    domains: new Map([...opsets].filter(([domain]) => domain !== '' && domain !== 'ai.onnx')),
    functions: pieces.filter(({number}) => number === model.functions).map(({value}) => value as Uint8Array),
    nodes: messages(whole, graph.node).map((one) => rename.part(one)),
    constants,
    input: input!,
    named: (name) => rename.named(name),
  };
}

const messages = (pieces: readonly Piece[], number: number): readonly (readonly Piece[])[] =>
  pieces.flatMap((piece) => (piece.number === number ? [decode(piece.value as Uint8Array)] : []));

const textOf = (pieces: readonly Piece[], number: number): string => {
  const piece = pieces.find((one) => one.number === number);
  return piece ? Buffer.from(piece.value as Uint8Array).toString() : '';
};

const numberOf = (pieces: readonly Piece[], number: number): number =>
  (pieces.find((one) => one.number === number)?.value as number | undefined) ?? 0;

/** Every name of a graph, also of those within its nodes, gets the same beginning. */
class Renaming {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** The empty name is that of an input that is left out. */
  named(name: string): string {
    return name === '' ? '' : `network/${name}`;
  }

  part(pieces: readonly Piece[]): GraphPart {
    const names = (number: number): readonly string[] =>
      pieces.flatMap((one) => (one.number === number ? [this.#text(one)] : []));
    const inner = messages(pieces, node.attribute).flatMap((one) =>
      [...messages(one, attribute.graph), ...messages(one, attribute.graphs)].flatMap((body) => this.#neededIn(body)),
    );
    return {
      needs: [...names(node.input), ...inner],
      makes: names(node.output),
      bytes: this.#node(pieces),
    };
  }

  /** What nodes of a graph within a node read: its own tensors, and those of the graph around it. */
  #neededIn(body: readonly Piece[]): readonly string[] {
    return [
      ...messages(body, graph.node).flatMap((one) => this.part(one).needs),
      ...messages(body, graph.output).map((one) => this.named(textOf(one, valueInfo.name))),
    ];
  }

  #node(pieces: readonly Piece[]): Uint8Array {
    return this.#copied(pieces, (piece) => {
      if (piece.number === node.input || piece.number === node.output || piece.number === node.name)
        return this.#text(piece);
      return piece.number === node.attribute ? this.#attribute(messages([piece], node.attribute)[0]!) : undefined;
    });
  }

  #attribute(pieces: readonly Piece[]): Uint8Array {
    return this.#copied(pieces, (piece) => {
      if (piece.number === attribute.graph || piece.number === attribute.graphs)
        return this.#graph(decode(piece.value as Uint8Array));
      return piece.number === attribute.tensor || piece.number === attribute.tensors
        ? this.tensor(decode(piece.value as Uint8Array))
        : undefined;
    });
  }

  #graph(pieces: readonly Piece[]): Uint8Array {
    return this.#copied(pieces, ({number, value}) => {
      if (number === graph.node) return this.#node(decode(value as Uint8Array));
      if (number === graph.initializer) return this.tensor(decode(value as Uint8Array));
      if (number !== graph.input && number !== graph.output && number !== graph.info) return undefined;
      return this.#copied(decode(value as Uint8Array), (piece) =>
        piece.number === valueInfo.name ? this.#text(piece) : undefined,
      );
    });
  }

  /** Renamed, with the numbers inside it. */
  tensor(pieces: readonly Piece[]): Uint8Array {
    const outside = new Map(
      messages(pieces, tensor.outside).map((one) => [textOf(one, entry.key), textOf(one, entry.value)]),
    );
    const inside = pieces.filter(({number}) => number !== tensor.outside && number !== tensor.place);
    const bytes = this.#copied(inside, (piece) => (piece.number === tensor.name ? this.#text(piece) : undefined));
    if (outside.size === 0) return bytes;
    const file = readFileSync(join(dirname(this.#path), outside.get('location')!));
    const from = Number(outside.get('offset') ?? 0);
    const raw = file.subarray(from, from + Number(outside.get('length') ?? file.length - from));
    return Buffer.concat([bytes, encode([[tensor.raw, raw]])]);
  }

  /** A message with some of its fields replaced; undefined: as it is. */
  #copied(pieces: readonly Piece[], replaced: (piece: Piece) => string | Uint8Array | undefined): Uint8Array {
    return Buffer.concat(
      pieces.map((piece) => {
        const value = replaced(piece);
        return value === undefined ? piece.raw : encode([[piece.number, value] satisfies Field]);
      }),
    );
  }

  #text({value}: Piece): string {
    return this.named(Buffer.from(value as Uint8Array).toString());
  }
}
