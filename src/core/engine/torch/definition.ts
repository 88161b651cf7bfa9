import type {EngineDefinition} from '../definition.ts';

/** PyTorch's C++ library, from the Python package; `pipeline setup --engine torch` compiles the binding. */
export const torch: EngineDefinition = {
  threaded: true,
  splitsSums: true,
  embedsByGraph: 1,

  precisions: ({gpu}) => (gpu ? ['tf32', 'bf16'] : ['bf16']),

  async find({env = process.env}) {
    const {bindingFolder, findBuilt, hasGpu, isStale} = await import('./library.ts');
    if (findBuilt(env) === undefined)
      throw new Error(
        isStale(env)
          ? 'the torch engine must be set up again, because this program or PyTorch has changed; run "pipeline setup --engine torch"'
          : 'the torch engine is not set up on this machine; run "pipeline setup --engine torch"',
      );
    if (!hasGpu(env)) return {library: bindingFolder(env)};
    const {gpusOf} = await import('../install/library.ts');
    const gpus = gpusOf(env);
    return {library: bindingFolder(env), gpu: true, ...(gpus.length > 1 && {gpus})};
  },

  async describe(env) {
    const [{bindingFolder, findBuilt, hasGpu, isStale}, {gpuAnswers}] = await Promise.all([
      import('./library.ts'),
      import('../install/library.ts'),
    ]);
    const built = findBuilt(env);
    if (built === undefined)
      return {
        available: false,
        version: '',
        device: 'cpu',
        missing: [],
        note: `${isStale(env) ? 'this program or PyTorch has changed since it was set up' : 'not set up'}; "pipeline setup --engine torch" compiles it against the PyTorch that is installed`,
        ...(gpuAnswers(env) && {
          better:
            '"pipeline setup --engine torch" sets the engine torch up, which trains on the NVIDIA GPU, if the PyTorch that is installed has CUDA',
        }),
      };
    return {
      available: true,
      version: built.version,
      device: hasGpu(env) ? 'gpu' : 'cpu',
      library: bindingFolder(env),
      missing: [],
      note: 'ready',
      ...(gpuAnswers(env) &&
        !built.cuda && {
          better: `PyTorch ${built.version} has no CUDA, so the engine torch does not use the NVIDIA GPU; install a PyTorch that has it, and run "pipeline setup --engine torch"`,
        }),
    };
  },

  async load(tf, engine) {
    const {loadTorch} = await import('./torch.ts');
    return loadTorch(tf, engine);
  },

  async tracer() {
    const {traceProgram} = await import('./torch.ts');
    return traceProgram;
  },

  async precisionSetter() {
    const {setPrecision} = await import('./torch.ts');
    return setPrecision;
  },
};
