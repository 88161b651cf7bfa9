import {readFileSync, statSync} from 'node:fs';
import {Argument, Command, InvalidArgumentError, Option} from 'commander';
import {systemProblem} from '../../core/base/system-error.ts';
import {defaultThreads} from '../../core/engine/contract.ts';
import type {AugmentOptions} from './augment.ts';
import type {Shell} from './completion/index.ts';
import {exitCodes} from './exit-codes.ts';
import type {ExportOptions} from './export.ts';
import type {PlanOptions} from './plan.ts';
import type {PredictOptions} from './predict.ts';
import type {SpecOptions} from './prepare.ts';
import type {ReportOptions} from './report.ts';
import type {CompareOptions, QueryOptions} from './results.ts';
import type {RunOptions} from './run.ts';
import type {Globals} from './session.ts';

// Each command's module is imported when it is called: `--help` loads none of tfjs, DuckDB, Arrow, ajv.

const version = (
  JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {version: string}
).version;

/** The command line: commands, arguments and options. */
export const program = new Command('pipeline')
  .description('Declarative experiments in two-stage deep one-class classification.')
  .version(version, '-V, --version')
  .option('--runs <folder>', 'where runs, cache and results lie', process.env['PIPELINE_RUNS'] ?? 'runs')
  .option('--data <folder>', 'where datasets are looked for first', process.env['PIPELINE_DATA'])
  .option('--json', 'print events and results as JSON', false)
  .showSuggestionAfterError()
  .showHelpAfterError('(see --help)')
  .configureHelp({showGlobalOptions: true})
  .exitOverride((error) => {
    process.exit(error.exitCode === 0 ? 0 : exitCodes.wrongInput);
  });

program.hook('preAction', () => {
  const {runs} = globals();
  const found = statSync(runs, {throwIfNoEntry: false});
  if (found && !found.isDirectory()) program.error(`error: --runs ${runs} is no folder`);
});

program.addHelpText(
  'after',
  `
Examples:
  pipeline run pipelines/quickstart.yaml           a minute on real images, beside the paper
  pipeline plan pipelines/quickstart.yaml          what would run, what is cached, and why
  pipeline compare quickstart                      the table again, from the results store
  pipeline report                                  a page of the latest run, with pictures
  pipeline run pipelines/quickstart.yaml --set learner.epochs=50 --seeds 3

Exit status: 0 done, 1 a task failed, 2 the input is wrong, 130 interrupted. A task whose data are not here has failed;
where no data of a spec or suite are here, its input is wrong.`,
);

const engineOption = () =>
  new Option('--engine <name>', 'what computes tensors')
    .choices(['auto', 'tensorflow', 'onnx', 'wasm', 'webgpu'])
    .default(process.env['PIPELINE_ENGINE'] ?? 'auto');

const threadsOption = () =>
  new Option(
    '--threads <n>',
    'threads of one tensor operation on tensorflow; they split its sums, so that another number gives other last digits',
  )
    .env('PIPELINE_THREADS')
    .argParser(positive)
    .default(defaultThreads);

const collect = (value: string, before: readonly string[] = []) => [...before, value];

const positive = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('expected an integer of at least 1.');
  return value;
};

const secondsIn: {readonly [unit: string]: number} = {'': 1, s: 1, min: 60, h: 3600};

/** Seconds. */
const duration = (text: string): number => {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?) ?(s|min|h)?$/.exec(text.trim()) ?? [];
  if (number === undefined) throw new InvalidArgumentError('expected a time, such as 90s, 2min or 1h.');
  return Number(number) * secondsIn[unit]!;
};

const share = (text: string): number => {
  const value = Number(text);
  if (!(value > 0 && value <= 1)) throw new InvalidArgumentError('expected a number above 0 and at most 1.');
  return value;
};

const onnxFile = (text: string): string => {
  if (!/.\.onnx$/i.test(text)) throw new InvalidArgumentError('expected a name that ends in .onnx.');
  return text;
};

const portNumber = (text: string): number => {
  const value = positive(text);
  if (value > 65_535) throw new InvalidArgumentError('expected at most 65535.');
  return value;
};

/** Options that change the spec: shared by every command that reads one. */
const specOptions = (command: Command): Command =>
  command
    .option('--set <path=value>', 'override one option, such as learner.epochs=10 (repeatable)', collect)
    .option('--seeds <n|list>', 'number of seeds, or a list such as 0,3,7')
    .option('--inliers <list>', 'only these inlier classes, such as bag,sandal');

specOptions(program.command('run').description('run a spec or suite; only what is not cached is computed'))
  .argument('<spec>', 'YAML file')
  .addOption(engineOption())
  .addOption(threadsOption())
  .option('--jobs <n>', 'stages that compute tensors at once (default: as many as the cores have room for)', positive)
  .addOption(
    new Option(
      '--checkpoint-every <time>',
      'time between checkpoints of a training, such as 90s, 2min or 1h; 0: after every epoch. One is written, too, when a run is stopped',
    )
      .env('PIPELINE_CHECKPOINT_EVERY')
      .argParser(duration)
      .default(120, '2min'),
  )
  .option('--fail-fast', 'stop at the first failure', false)
  .option('--plain', 'plain lines instead of the live view', false)
  .option('--quiet', 'print the table alone, and failures', false)
  .option('--profile', "time the engine's kernels: where each kind of stage spends its time", false)
  .action(async (spec: string, options: RunOptions) => leave((await import('./run.ts')).run(spec, options, globals())));

specOptions(
  program.command('plan').description('what would run, what is cached, and how much computing it is; runs nothing'),
)
  .argument('<spec>', 'YAML file')
  .option('--estimate', 'measure a few steps of each training: how long all of them take on this machine', false)
  .addOption(engineOption())
  .addOption(threadsOption())
  .option('--explain', 'for every stage that would run, what differs from the nearest cached one', false)
  .addOption(new Option('--graph <format>', 'print the DAG').choices(['mermaid', 'dot', 'svg']))
  .action(async (spec: string, options: PlanOptions) =>
    leave((await import('./plan.ts')).plan(spec, options, globals())),
  );

specOptions(program.command('validate').description('check a spec or suite; runs nothing'))
  .argument('<spec...>', 'YAML files')
  .action(async (specs: string[], options: SpecOptions) =>
    leave((await import('./plan.ts')).validate(specs, options, globals())),
  );

program
  .command('compare')
  .description("results beside the papers'")
  .argument('[what...]', 'run ids or spec names; the latest run if none')
  .addOption(
    new Option('--format <format>', 'how to print')
      .choices(['table', 'markdown', 'csv', 'json', 'latex'])
      .default('table'),
  )
  .option('--metric <metric>', 'which metric, or "all" (default: auc where there is one)')
  .option('--table <table>', 'lay it out as a table of the papers, such as iclr-table-7')
  .action(async (what: string[], options: CompareOptions) =>
    leave((await import('./results.ts')).compare(what, options, globals())),
  );

program
  .command('predict')
  .description("score new images with a finished task's model")
  .argument('<run>', 'run id, a unique part of it, or "latest"')
  .argument('<images...>', 'image files (JPEG, PNG, WebP), and folders of them')
  .option('--task <id>', "a task's id, or a part that no other has (default: the only one)")
  .option('--classifier <name>', 'as it is called in tables (default: all of the task)')
  .option(
    '--quantile <q>',
    'anomalous is what scores above this share of the normal training images, each of them held out',
    share,
    0.95,
  )
  .option('--maps <folder>', 'write heat maps there, as PNG, where the task localises')
  .addOption(new Option('--format <format>', 'how to print').choices(['table', 'csv', 'json']).default('table'))
  .addOption(engineOption())
  .addOption(threadsOption())
  .action(async (run: string, images: string[], options: PredictOptions) =>
    leave((await import('./predict.ts')).predict(run, images, options, globals())),
  );

program
  .command('export')
  .description("write a finished task's encoder and classifier as one ONNX model")
  .argument('<run>', 'run id, a unique part of it, or "latest"')
  .option('--task <id>', "a task's id, or a part that no other has (default: the only one)")
  .option('--classifier <name>', 'as it is called in tables (default: the only one)')
  .option('--quantile <q>', 'for the threshold, as of "predict"', share, 0.95)
  .option('--out <file>', 'where the model goes; beside it a page on how to use it', onnxFile, 'model.onnx')
  .addOption(engineOption())
  .addOption(threadsOption())
  .action(async (run: string, options: ExportOptions) =>
    leave((await import('./export.ts')).exportModel(run, options, globals())),
  );

program
  .command('report')
  .description('one HTML file of a run: tables, curves, maps of features, images, timeline, provenance')
  .argument('[run]', 'run id, a unique part of it, "latest", or the name of a spec', 'latest')
  .option('--out <file>', "where it goes (default: report.html in the run's folder)")
  .option('--task <part>', 'look closely at the tasks with this in their ids, such as bag')
  .action(async (run: string, options: ReportOptions) =>
    leave((await import('./report.ts')).report(run, options, globals())),
  );

program
  .command('ls')
  .description('runs, newest first')
  .action(async () => leave((await import('./results.ts')).ls(globals())));

const show = program.command('show');
show
  .description('one run: tasks, stages, failures, metrics')
  .argument('<run>', 'run id, a unique part of it, or "latest"')
  .action(async (run: string) => leave((await import('./results.ts')).show(run, globals())));

specOptions(show.command('augment').description('a picture of what a learner is fed: images, and views of them'))
  .argument('<spec>', 'YAML file')
  .option('--task <id>', "a task's id, or a part of it (default: the first that trains)")
  .option('--images <n>', 'training images, a row each', positive, 8)
  .option('--draws <n>', 'draws of the augmentation, as in so many epochs', positive, 3)
  .option('--out <file>', 'where the PNG goes (default: into the runs folder)')
  .action(async (spec: string, options: AugmentOptions) =>
    leave((await import('./augment.ts')).showAugment(spec, options, globals())),
  );

program
  .command('why')
  .description('what differs between two runs')
  .argument('<run>', 'run id')
  .argument('<other>', 'run id')
  .action(async (run: string, other: string) => leave((await import('./results.ts')).whyRuns(run, other, globals())));

program
  .command('query')
  .description('read-only SQL on the results (tables: runs, tasks, stages, metrics, baselines; view: comparison)')
  .argument('<sql>', 'one statement')
  .addOption(new Option('--format <format>', 'how to print').choices(['table', 'csv', 'json']).default('table'))
  .action(async (sql: string, options: QueryOptions) =>
    leave((await import('./results.ts')).query(sql, options, globals())),
  );

program
  .command('ui')
  .description('runs, live progress, comparison and queries in the browser; on this machine only')
  .option('--port <n>', 'which port (default: one that is free)', portNumber)
  .action(async (options: {port?: number}) => leave((await import('./ui.ts')).ui(options, globals())));

const db = program.command('db').description('the results database');
db.command('rebuild')
  .description('make the database anew from the runs')
  .action(async () => leave((await import('./results.ts')).rebuild(globals())));

const data = program.command('data').description('datasets: where they are, fetching, checking');
data
  .command('ls')
  .description('every dataset and where it was found')
  .action(async () => leave((await import('./tools.ts')).dataLs(globals())));
data
  .command('fetch')
  .description('fetch a dataset from its publisher into the data folder')
  .argument('<dataset>')
  .action(async (name: string) => leave((await import('./tools.ts')).dataFetch(name, globals())));
data
  .command('verify')
  .description('read a dataset through and check its counts')
  .argument('<dataset>')
  .action(async (name: string) => leave((await import('./tools.ts')).dataVerify(name, globals())));

const cache = program.command('cache').description('what stages left');
cache
  .command('ls')
  .description('entries, newest first')
  .action(async () => leave((await import('./tools.ts')).cacheLs(globals())));
cache
  .command('verify')
  .description('hash every file of every entry')
  .action(async () => leave((await import('./tools.ts')).cacheVerify(globals())));
cache
  .command('prune')
  .description('remove old entries')
  .option('--days <n>', 'older than this many days', positive, 30)
  .action(async (options: {days: number}) => leave((await import('./tools.ts')).cachePrune(options, globals())));

program
  .command('plugins')
  .description('datasets, transforms, networks, learners, classifiers and metrics, with their options')
  .argument('[plugin]', 'one plug-in')
  .option('--markdown', 'as Markdown', false)
  .action(async (name: string | undefined, options: {markdown: boolean}) =>
    leave((await import('./tools.ts')).plugins(name, options, globals())),
  );

program
  .command('schema')
  .description('the JSON Schema of specs, made from the plug-ins')
  .option('--write', 'write schemas/pipeline.schema.json', false)
  .action(async (options: {write: boolean}) => leave((await import('./tools.ts')).schema(options)));

program
  .command('doctor')
  .description('engines, data, machine: what works and what would make it better')
  .option(
    '--kernels',
    "try TensorFlow's kernels on this processor: which are right, and how the others are computed",
    false,
  )
  .addOption(threadsOption())
  .action(async ({kernels, ...options}: {kernels: boolean; threads: number}) =>
    leave(
      kernels
        ? (await import('./kernels.ts')).doctorKernels(options, globals())
        : (await import('./tools.ts')).doctor(options, globals()),
    ),
  );

program
  .command('setup')
  .description("fetch and compile TensorFlow's native engine")
  .option('--if-possible', 'exit 0 where the machine lacks what it needs', false)
  .action(async (options: {ifPossible: boolean}) => leave((await import('./tools.ts')).setup(options, globals())));

program
  .command('completion')
  .description('a script that completes command lines in a shell; how to load it stands at its head')
  .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
  .action(async (shell: Shell) => leave((await import('./completion/index.ts')).completion(shell, program)));

function globals(): Globals {
  const {runs, data: dataFolder, json} = program.opts<{runs: string; data?: string; json: boolean}>();
  return {runs, json, ...(dataFolder === undefined ? {} : {data: dataFolder})};
}

/** The command's exit status; Node ends by itself once standard output is flushed. */
async function leave(status: Promise<number>): Promise<void> {
  process.exitCode = await status;
}

/** Parses the command line of this process and does what it says. */
export async function main(): Promise<void> {
  // `pipeline query … | head` closes the pipe early: that is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  try {
    await program.parseAsync();
  } catch (error) {
    const {message, hint} = systemProblem(error) ?? {
      message: error instanceof Error ? error.message : String(error),
      hint: undefined,
    };
    process.stderr.write(`pipeline: ${message}\n${hint === undefined ? '' : `   ${hint}\n`}`);
    if (process.env['PIPELINE_DEBUG'] && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    process.exitCode = exitCodes.failed;
  }
}
