/** Trained networks in local files, by their format: what files they consist of, and how they are opened. */
import {existsSync, statSync} from 'node:fs';
import {basename, dirname, join} from 'node:path';
import {fail, type Result, succeed} from '../base/result.ts';
import {suggest} from '../base/text.ts';
import type {ImageModel} from './image-model.ts';
import {readOnnx} from './onnx/file.ts';
import {openOnnx} from './onnx/runtime.ts';
import {openGraphModel, readGraphModel} from './tensorflow/graph-model.ts';

export interface ModelProblem {
  readonly message: string;
  readonly hint: string;
}

export interface ModelFiles {
  /** The file to open: `model.json` where its folder was named. */
  readonly main: string;
  /** Files with weights, relative to the main one's folder. */
  readonly outside: readonly string[];
}

const formats = 'Use an ONNX file (.onnx) or a TensorFlow.js graph model (its model.json, or the folder with it).';
const conversion = 'Convert it: tf2onnx, or tensorflowjs_converter --input_format=tf_saved_model.';

/** Looks at the files without running them: all of them exist, and the wanted tensors exist. */
export function findModel(path: string, wanted: readonly string[]): Result<ModelFiles, ModelProblem> {
  if (!existsSync(path))
    return fail({
      message: `there is no file ${path}`,
      hint: 'Paths are relative to the file that names them. scripts/export-backbone.py of the repository writes the networks of pipelines/frozen.',
    });
  let main = path;
  if (statSync(path).isDirectory()) {
    if (existsSync(join(path, 'saved_model.pb')))
      return fail({message: `${path} is a SavedModel, which is not supported`, hint: conversion});
    main = join(path, 'model.json');
    if (!existsSync(main)) return fail({message: `the folder ${path} has no model.json`, hint: formats});
  }
  const format = formatOf(main);
  if (!format) return fail({message: `${main} has an unknown format`, hint: formats});
  let outline: {readonly tensors: readonly string[]; readonly outside: readonly string[]};
  try {
    outline = format.read(main);
  } catch (error) {
    return fail({message: `${main} is not a valid ${format.name}: ${(error as Error).message}`, hint: formats});
  }
  const missing = outline.outside.filter((name) => !existsSync(join(dirname(main), name)));
  if (missing.length > 0)
    return fail({
      message: `the weights of ${main} are incomplete: there is no ${missing.join(', ')} beside it`,
      hint: 'Put all files of the network into one folder.',
    });
  const unknown = wanted.find((name) => !outline.tensors.includes(name));
  if (unknown !== undefined)
    // From the end: features are near it.
    return fail({
      message: `${main} has no tensor "${unknown}"`,
      hint: suggest(unknown, outline.tensors.toReversed(), 'From its end'),
    });
  return succeed({main, outside: outline.outside});
}

/** Throws `ModelError`. `wanted`: tensors anywhere in it; none: its first output. */
export async function openModel(path: string, wanted: readonly string[]): Promise<ImageModel> {
  return formatOf(path)!.open(path, wanted);
}

interface Format {
  readonly name: string;
  /** Throws for a file of another format. */
  read(path: string): {readonly tensors: readonly string[]; readonly outside: readonly string[]};
  open(path: string, wanted: readonly string[]): Promise<ImageModel>;
}

const onnx: Format = {name: 'ONNX model', read: readOnnx, open: openOnnx};
const graphModel: Format = {
  name: 'TensorFlow.js graph model',
  read(path) {
    const {nodes, outside} = readGraphModel(path);
    return {tensors: nodes, outside};
  },
  open: openGraphModel,
};

const formatOf = (path: string): Format | undefined =>
  /\.onnx$/i.test(path) ? onnx : /\.json$/i.test(basename(path)) ? graphModel : undefined;
