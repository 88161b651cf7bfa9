/** Field numbers of ONNX's messages. */

// Names of messages and fields as in the specification, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3.
export const model = {
  irVersion: 1,
  producerName: 2,
  producerVersion: 3,
  doc: 6,
  graph: 7,
  opset: 8,
  metadata: 14,
  functions: 25,
};
export const opsetId = {domain: 1, version: 2};
export const graph = {node: 1, name: 2, initializer: 5, input: 11, output: 12, info: 13, sparse: 15};
export const node = {input: 1, output: 2, name: 3, type: 4, attribute: 5, domain: 7};
export const attribute = {
  name: 1,
  float: 2,
  int: 3,
  text: 4,
  tensor: 5,
  graph: 6,
  ints: 8,
  tensors: 10,
  graphs: 11,
  type: 20,
};
export const attributeTypes = {float: 1, int: 2, text: 3, ints: 7};
export const tensor = {dims: 1, type: 2, name: 8, raw: 9, outside: 13, place: 14};
export const dataTypes = {float: 1, int64: 7, double: 11};
export const entry = {key: 1, value: 2};
export const valueInfo = {name: 1, type: 2, doc: 3};
export const type = {tensor: 1};
export const tensorType = {element: 1, shape: 2};
export const shape = {dimension: 1};
export const dimension = {value: 1, parameter: 2};
