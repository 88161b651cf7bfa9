/** The engines, in the order in which `pipeline doctor` lists them and `auto` prefers them. A new one is a folder and a line here. */
import type {EngineDefinition} from './definition.ts';
import {onnx} from './onnx/definition.ts';
import {tensorflow} from './tensorflow/definition.ts';
import {torch} from './torch/definition.ts';
import {wasm} from './wasm/definition.ts';
import {webgpu} from './webgpu/definition.ts';

export const engines = {
  tensorflow,
  onnx,
  wasm,
  webgpu,
  torch,
} as const satisfies {readonly [name: string]: EngineDefinition};

export type EngineName = keyof typeof engines;
export type EngineChoice = 'auto' | EngineName;

export const engineNames = Object.keys(engines) as readonly EngineName[];

/** Undefined for a name that is none of an engine, such as another backend of tfjs, or one in the record of another version. */
export const engineNamed = (name: string): EngineDefinition | undefined =>
  Object.hasOwn(engines, name) ? engines[name as EngineName] : undefined;
