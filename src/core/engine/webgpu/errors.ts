import type {WebgpuBackend} from './program.ts';

export interface ScopedDevice {
  pushErrorScope(kind: 'validation' | 'out-of-memory' | 'internal'): void;
  popErrorScope(): Promise<{readonly message: string} | null>;
}

const errorKinds = ['validation', 'out-of-memory', 'internal'] as const;

/**
 * Calls that launch kernels do not throw: if one fails, for example because memory is full, the values are wrong. Errors since the
 * last check are thrown when values are read, which is the only way out of the GPU.
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
