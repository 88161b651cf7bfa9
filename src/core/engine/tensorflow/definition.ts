import type {EngineDefinition} from '../definition.ts';

/** TensorFlow's C library, which `install/` sets up. */
export const tensorflow: EngineDefinition = {
  threaded: true,
  splitsSums: true,
  convolvesByProducts: true,
  // Of one image, a graph takes two to three times as long as its operations one by one; of four, a quarter.
  embedsByGraph: 2,

  async find({provision, ...options}) {
    const {findLibrary, libraryFolder} = await import('../install/library.ts');
    const {env = process.env} = options;
    const start = (library: string) => ({library, ...(library === libraryFolder('cuda', env) && {gpu: true as const})});
    const library = findLibrary(env);
    if (library !== undefined) {
      const remark = await gpuRemark(env, library);
      return {...start(library), ...(remark && {remark})};
    }
    if (!provision) throw new Error('the tensorflow engine is not set up on this machine; run "pipeline setup"');
    const {provisionTensorflow} = await import('../install/provision.ts');
    return start(await provisionTensorflow(options));
  },

  async describe(env) {
    const {findLibrary, libraryFolder, recentFailure, versionOf} = await import('../install/library.ts');
    const library = findLibrary(env);
    if (library !== undefined)
      return {
        available: true,
        version: versionOf(library),
        device: library === libraryFolder('cuda', env) ? 'gpu' : 'cpu',
        library,
        missing: [],
        note: (await gpuRemark(env, library)) ?? 'ready',
      };
    const {findMissing} = await import('../install/tools.ts');
    const {TENSORFLOW_VERSION} = await import('../install/wheels.ts');
    const missing = await findMissing(env);
    const failed = recentFailure(env);
    const notSetUp =
      failed === undefined ? 'not set up yet; "pipeline setup" installs it' : `setting it up failed: ${failed}`;
    return {
      available: false,
      version: TENSORFLOW_VERSION,
      device: 'cpu',
      missing,
      note: missing.length > 0 ? 'cannot be set up on this machine' : notSetUp,
    };
  },

  async load(tf, engine) {
    const {loadTensorflow} = await import('./tensorflow.ts');
    return loadTensorflow(tf, engine);
  },

  async tracer() {
    const {traceGraph} = await import('./graph.ts');
    return traceGraph;
  },
};

/** Why this library leaves the NVIDIA GPU alone; undefined: there is none, or it does not. */
async function gpuRemark(env: NodeJS.ProcessEnv, library: string): Promise<string | undefined> {
  const [{libraryFolder, wantsGpu}, {hasGpu}] = await Promise.all([
    import('../install/library.ts'),
    import('../torch/library.ts'),
  ]);
  if (library !== libraryFolder('cpu', env) || !wantsGpu(env)) return undefined;
  return hasGpu(env)
    ? 'computes on the CPU; the engine torch uses the NVIDIA GPU'
    : 'the NVIDIA GPU is not used, because no engine for it is set up ("pipeline setup --engine torch" does, if the PyTorch that is installed has CUDA)';
}
