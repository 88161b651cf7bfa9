/**
 * tfjs's WebGPU backend, whose errors are thrown, and with less work a launch: a training step repeats the same launches of kernels, so that what they bind is made
 * once. For a network of small layers it is these calls that take the time, not the GPU.
 */
import type {WebgpuBackend} from './program.ts';

/** Of a device's interface, what is kept instead of made anew. */
export interface BindingDevice {
  createBindGroup(descriptor: BindGroupDescriptor): object;
  createComputePipeline(descriptor: object): Pipeline;
}
interface Pipeline {
  getBindGroupLayout(group: number): object;
}
interface BindGroupDescriptor {
  readonly layout: object;
  readonly entries: readonly {readonly resource: {readonly buffer: object}}[];
}

/** What is kept of a kind, at most; beyond it all is forgotten, for whoever makes so many different ones gains nothing. */
const mostKept = 8192;

/** Keeps bind groups by the pipeline and the buffers that they bind, which tfjs hands out again and again. */
export function keepBindGroups(device: BindingDevice): void {
  const createPipeline = device.createComputePipeline.bind(device);
  device.createComputePipeline = (descriptor) => {
    const pipeline = createPipeline(descriptor);
    const layout = pipeline.getBindGroupLayout(0); // a new object a call, otherwise
    pipeline.getBindGroupLayout = () => layout;
    return pipeline;
  };
  const numbers = new WeakMap<object, number>();
  let last = 0;
  const numberOf = (object: object): number => {
    let number = numbers.get(object);
    if (number === undefined) {
      number = ++last;
      numbers.set(object, number);
    }
    return number;
  };
  const createGroup = device.createBindGroup.bind(device);
  const groups = new Map<string, object>();
  device.createBindGroup = (descriptor) => {
    let key = String(numberOf(descriptor.layout));
    for (const {resource} of descriptor.entries) key += ` ${numberOf(resource.buffer)}`;
    let group = groups.get(key);
    if (group === undefined) {
      group = createGroup(descriptor);
      if (groups.size >= mostKept) groups.clear();
      groups.set(key, group);
    }
    return group;
  };
}

type Uniforms = readonly {readonly type: string; readonly data: readonly number[]}[];
interface Binding {
  readonly buffer: object;
}

/** The parts of tfjs's backend that `keepUniforms` reaches for; they are its private ones, of the version that we pin. */
interface UniformMaker {
  makeUniforms(uniforms: Uniforms): Binding;
  uniformPendingDisposal: object[];
}

/** Keeps buffers of uniforms (shapes, strides, sizes) by what is in them. */
export function keepUniforms(backend: WebgpuBackend): void {
  const maker = backend as unknown as UniformMaker;
  const make = maker.makeUniforms.bind(backend);
  const kept = new Map<string, Binding>();
  maker.makeUniforms = (uniforms) => {
    let key = '';
    for (const {type, data} of uniforms) key += `${type} ${data.join()};`;
    let binding = kept.get(key);
    if (binding === undefined) {
      if (kept.size >= mostKept) {
        for (const {buffer} of kept.values()) maker.uniformPendingDisposal.push(buffer);
        kept.clear();
      }
      binding = make(uniforms);
      maker.uniformPendingDisposal.pop(); // where it would wait to be used for others
      kept.set(key, binding);
    }
    return binding;
  };
}

export interface ScopedDevice {
  pushErrorScope(kind: 'validation' | 'out-of-memory' | 'internal'): void;
  popErrorScope(): Promise<{readonly message: string} | null>;
}

const errorKinds = ['validation', 'out-of-memory', 'internal'] as const;

/**
 * The calls that launch kernels throw nothing: where one has failed, as for want of memory, values are garbage. What has gone wrong
 * since the last look is thrown where values are read, the only way that they leave the GPU.
 */
export function throwWhereRead(device: ScopedDevice, backend: Pick<WebgpuBackend, 'read'>): void {
  const read = backend.read.bind(backend);
  const watch = () => {
    for (const kind of errorKinds) device.pushErrorScope(kind);
  };
  watch();
  backend.read = async (dataId) => {
    const values = await read(dataId);
    // Asked for and watched for again at once: several reads may be on their way.
    const looks = errorKinds.map(() => device.popErrorScope());
    watch();
    const error = (await Promise.all(looks)).find((found) => found !== null);
    if (error) throw new Error(`the GPU reports: ${error.message}`);
    return values;
  };
}
