import type {EngineDefinition} from '../definition.ts';

/** TensorFlow's C library, which `install/` sets up. */
export const tensorflow: EngineDefinition = {
  threaded: true,
  splitsSums: true,
  convolvesByProducts: true,
  embedsByGraph: true,

  async find({provision, ...options}) {
    const {findLibrary, gpuRemark, libraryFolder} = await import('../install/library.ts');
    const {env = process.env} = options;
    const start = (library: string) => ({library, ...(library === libraryFolder('cuda', env) && {gpu: true as const})});
    const library = findLibrary(env);
    if (library !== undefined) {
      const remark = gpuRemark(env, library);
      return {...start(library), ...(remark && {remark})};
    }
    if (!provision) throw new Error('the tensorflow engine is not set up on this machine; run "pipeline setup"');
    const {provisionTensorflow} = await import('../install/provision.ts');
    return start(await provisionTensorflow(options));
  },

  async describe(env) {
    const {findLibrary, gpuRemark, libraryFolder, recentFailure, versionOf} = await import('../install/library.ts');
    const library = findLibrary(env);
    if (library !== undefined)
      return {
        available: true,
        version: versionOf(library),
        device: library === libraryFolder('cuda', env) ? 'gpu' : 'cpu',
        library,
        missing: [],
        note: gpuRemark(env, library) ?? 'ready',
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
