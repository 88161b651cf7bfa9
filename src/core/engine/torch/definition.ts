import type {EngineDefinition} from '../definition.ts';

/** PyTorch's C++ library, from the Python package; `pipeline setup --engine torch` compiles the binding. */
export const torch: EngineDefinition = {
  threaded: true,
  splitsSums: true,
  embedsByGraph: true,

  precisions: ({gpu}) => (gpu ? ['tf32', 'bf16'] : ['bf16']),

  async find({env = process.env}) {
    const {bindingFolder, findBuilt, isStale} = await import('./library.ts');
    const built = findBuilt(env);
    if (built === undefined)
      throw new Error(
        isStale(env)
          ? 'the torch engine must be set up again, because this program or PyTorch has changed; run "pipeline setup --engine torch"'
          : 'the torch engine is not set up on this machine; run "pipeline setup --engine torch"',
      );
    if (!built.cuda) return {library: bindingFolder(env)};
    const {gpusOf} = await import('../install/library.ts');
    const gpus = gpusOf(env);
    return {library: bindingFolder(env), gpu: true, ...(gpus.length > 1 && {gpus})};
  },

  async describe(env) {
    const {bindingFolder, findBuilt, isStale} = await import('./library.ts');
    const built = findBuilt(env);
    if (built === undefined)
      return {
        available: false,
        version: '',
        device: 'cpu',
        missing: [],
        note: `${isStale(env) ? 'this program or PyTorch has changed since it was set up' : 'not set up'}; "pipeline setup --engine torch" compiles it against the PyTorch that is installed`,
      };
    const device = built.cuda ? 'gpu' : 'cpu';
    return {available: true, version: built.version, device, library: bindingFolder(env), missing: [], note: 'ready'};
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
