import type {WebgpuBackend} from './program.ts';

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
