/** The messages of ONNX files (onnx.proto3) by their field numbers, read and written. The only importer of @bufbuild/protobuf. */
import {BinaryReader, BinaryWriter, WireType} from '@bufbuild/protobuf/wire';

// Names of messages and fields as in the specification, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3.
export const model = {irVersion: 1, producerName: 2, producerVersion: 3, doc: 6, graph: 7, opset: 8, metadata: 14};
export const opsetId = {domain: 1, version: 2};
export const graph = {node: 1, name: 2, initializer: 5, input: 11, output: 12};
export const node = {input: 1, output: 2, name: 3, type: 4, attribute: 5};
export const attribute = {name: 1, float: 2, int: 3, tensor: 5, graph: 6, ints: 8, tensors: 10, graphs: 11, type: 20};
export const attributeTypes = {float: 1, int: 2, ints: 7};
export const tensor = {dims: 1, type: 2, name: 8, raw: 9, outside: 13};
export const dataTypes = {float: 1, int64: 7, double: 11};
export const entry = {key: 1, value: 2};
export const valueInfo = {name: 1, type: 2, doc: 3};
export const type = {tensor: 1};
export const tensorType = {element: 1, shape: 2};
export const shape = {dimension: 1};
export const dimension = {value: 1, parameter: 2};

/** A field of a message: an integer, a text, bytes or an inner message, or a 32-bit float. */
export type Field = readonly [number: number, value: number | string | Uint8Array | {readonly float: number}];

export function encode(fields: readonly Field[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const [number, value] of fields) {
    if (typeof value === 'number') writer.tag(number, WireType.Varint).int64(value);
    else if (typeof value === 'string') writer.tag(number, WireType.LengthDelimited).string(value);
    else if (value instanceof Uint8Array) writer.tag(number, WireType.LengthDelimited).bytes(value);
    else writer.tag(number, WireType.Bit32).float(value.float);
  }
  return writer.finish();
}

/** All values of a field that have a length: texts, bytes and messages. Throws for what is no whole message. */
export function parts(bytes: Uint8Array, field: number): readonly Uint8Array[] {
  const found: Uint8Array[] = [];
  const reader = new BinaryReader(bytes);
  try {
    while (reader.pos < reader.len) {
      const [number, wire] = reader.tag();
      if (wire === WireType.LengthDelimited && number === field) found.push(reader.bytes());
      else reader.skip(wire, number);
    }
  } catch (error) {
    throw new Error(error instanceof RangeError ? 'it is cut off' : 'it is of another format', {cause: error});
  }
  return found;
}

export const texts = (bytes: Uint8Array, field: number): readonly string[] =>
  parts(bytes, field).map((part) => Buffer.from(part).toString());
