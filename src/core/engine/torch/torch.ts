/** The engine over PyTorch's C++ library: tfjs-node's backend in JavaScript, on a binding of our own (`native/`). */
import {createRequire} from 'node:module';
import {join} from 'node:path';
import type * as TF from '@tensorflow/tfjs';
import {Checker} from '../check/checker.ts';
import {type Interception, interceptKernels} from '../check/intercept.ts';
import {openVerdicts} from '../check/verdicts.ts';
import type {EngineInfo, Precision, ResolvedEngine} from '../contract.ts';
import {SGD_STEP} from '../gradients.ts';
import {loadBackend} from '../install/tfjs-node.ts';
import type {Binding, Handle, NodeBackend, OpAttribute} from '../tensorflow/binding.ts';
import {registerFusedKernels} from '../tensorflow/fused.ts';
import {tracer} from '../trace.ts';
import {BINDING_FILE} from './library.ts';

interface TorchBinding extends Binding {
  start(options: {readonly threads: number; readonly deterministic: boolean}): void;
  setPrecision(precision: Precision): void;
  /** Tensors are counted from 0: `places` of them. Returns the program's number. */
  createProgram(recording: {
    readonly places: number;
    readonly given: readonly number[];
    /** Place and id. */
    readonly constants: readonly (readonly [number, number])[];
    readonly steps: readonly {
      readonly operation: string;
      readonly attributes: readonly OpAttribute[];
      readonly inputs: readonly number[];
      readonly outputs: readonly number[];
    }[];
    readonly results: readonly number[];
    readonly moves: readonly (readonly [number, number])[];
  }): number;
  runProgram(program: number, given: readonly number[], free: readonly boolean[]): Handle[];
  deleteProgram(program: number): void;
}

let started: TorchBinding | undefined;
/** Of kernels in float32; absent on a GPU. */
let checks: Interception | undefined;

export function setPrecision(precision: Precision): void {
  started!.setPrecision(precision);
  // A check allows the rounding of float32.
  if (checks) checks.paused = precision !== 'float32';
}

export function loadTorch(tf: typeof TF, engine: ResolvedEngine): EngineInfo {
  if (engine.library === undefined)
    throw new Error('the torch engine needs a library; run "pipeline setup --engine torch"');
  // Read by OpenMP when it is loaded. Threads that spin while they wait for each other are ten times slower where something else runs beside.
  process.env['OMP_WAIT_POLICY'] ??= 'PASSIVE';
  const binding = load(join(engine.library, BINDING_FILE));
  const fastest = process.env['PIPELINE_FASTEST'] === '1';
  binding.start({threads: engine.threads, deterministic: !fastest});
  const device = binding.isUsingGpuDevice() ? 'gpu' : 'cpu';
  if (engine.gpu && device === 'cpu')
    throw new Error(
      `nvidia-smi finds a GPU, but PyTorch ${binding.TF_Version} can't use it: its driver may be too old for PyTorch's CUDA (python3 -c "import torch; torch.zeros(1).cuda()" says why). To compute on the CPU, set CUDA_VISIBLE_DEVICES to nothing`,
    );
  const backend = loadBackend(tf, engine.library, binding, 'torch');
  tf.registerBackend('torch', () => backend);
  // tfjs-node's kernels ask the backend of this name for the numbers of types, which are the same here.
  if (!tf.findBackendFactory('tensorflow')) tf.registerBackend('tensorflow', () => backend);
  registerFusedKernels(tf, 'torch');
  tf.registerKernel({
    kernelName: SGD_STEP,
    backendName: 'torch',
    kernelFunc: ({inputs, attrs}) => {
      const tensors = Object.values(inputs) as TF.Tensor[];
      const attributes = Object.entries(attrs!).map(([name, value]) => ({name, type: binding.TF_ATTR_FLOAT, value}));
      const node = backend as unknown as NodeBackend;
      return node.executeMultipleOutputs(SGD_STEP, attributes, tensors, (2 * (tensors.length - 1)) / 3);
    },
  });
  if (device === 'cpu' && !engine.unchecked) {
    const file = openVerdicts(`torch ${binding.TF_Version}`);
    const checker = new Checker({engine, file});
    checker.prepare();
    checks = interceptKernels(tf, 'torch', checker, 'PyTorch');
  }
  started = binding;
  return {
    name: 'torch',
    version: binding.TF_Version,
    device,
    threads: engine.threads,
    ...(fastest && device === 'gpu' && {remark: `PIPELINE_FASTEST: the last digits differ from run to run`}),
  };
}

function load(file: string): TorchBinding {
  try {
    return createRequire(import.meta.url)(file) as TorchBinding;
  } catch (error) {
    throw new Error(
      `PyTorch's binding cannot be loaded (${(error as Error).message}); run "pipeline setup --engine torch", which compiles it again`,
    );
  }
}

/** The recorded step runs in C++, without JavaScript between its operations. */
export const traceProgram = tracer((binding, {values, given, constants, steps, results, moves}) => {
  const torch = binding as TorchBinding;
  const held = constants.map(
    ({value, shape, type, content}) => [value, torch.createTensor(shape, type, content)] as const,
  );
  const program = torch.createProgram({
    places: values,
    given: given.map(({value}) => value),
    constants: held,
    steps: steps.map((step) => ({...step, outputs: step.outputs.map(({value}) => value)})),
    results,
    moves,
  });
  for (const [, id] of held) torch.deleteTensor(id);
  return {run: (ids, free) => torch.runProgram(program, ids, free), dispose: () => torch.deleteProgram(program)};
});
