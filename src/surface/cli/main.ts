import {lstatSync, readFileSync, readlinkSync, statSync} from 'node:fs';
import {Argument, Command, CommanderError, Option} from 'commander';
import {systemProblem} from '../../core/base/system-error.ts';
import {messageOf} from '../../core/base/thrown.ts';
import {defaultThreads} from '../../core/engine/contract.ts';
import {engineNames} from '../../core/engine/engines.ts';
import type {AugmentOptions} from './augment.ts';
import type {Shell} from './completion/index.ts';
import {exitCodes} from './exit-codes.ts';
import type {ExportOptions} from './export.ts';
import {checkExecutor, declareJobs, executorOption, siteOption} from './jobs.ts';
import type {LsOptions} from './ls.ts';
import type {NewOptions} from './new.ts';
import type {PlanOptions} from './plan.ts';
import type {PredictOptions} from './predict.ts';
import type {SpecOptions} from './prepare.ts';
import {declareRemarks} from './remark-commands.ts';
import type {ReportOptions} from './report.ts';
import type {CompareOptions, QueryOptions} from './results.ts';
import type {RunOptions} from './run.ts';
import {declareSearches} from './search-commands.ts';
import type {Globals} from './session.ts';
import {eraseSign, showSign} from './sign-of-life.ts';
import {declareStorage} from './storage-commands.ts';
import type {UiOptions} from './ui.ts';
import {duration, jobsOption, onnxFile, parallel, portNumber, share, upTo} from './values.ts';

// Each command's module is imported when it is called: `--help` loads none of tfjs, DuckDB, Arrow, ajv.

const version = (
  JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {version: string}
).version;

/** The command line: commands, arguments and options. */
export const program = new Command('pipeline')
  .description('Declarative experiments in two-stage deep one-class classification.')
  .version(version, '-V, --version')
  .option('--runs <folder>', 'folder of runs, cache and results', process.env['PIPELINE_RUNS'] || 'runs')
  .option('--data <folder>', 'first folder to search for datasets', process.env['PIPELINE_DATA'])
  .option(
    '--store <address>',
    'store to share results by: s3://bucket/prefix, or file:///folder; with :ro at its end, only read',
    process.env['PIPELINE_STORE'] || undefined,
  )
  .option('--json', 'print events and results as JSON', false)
  .showSuggestionAfterError()
  .showHelpAfterError('(see --help)')
  .configureHelp({showGlobalOptions: true})
  .exitOverride(); // it throws what it would have exited for

/** Options that say for themselves what an empty value lacks. */
const saidElsewhere = ['seeds', 'inliers', 'normalClasses', 'set'];

program.hook('preAction', (_, command) => {
  const {runs, json} = globals();
  // As an unset variable of a shell leaves it.
  if (command.args.includes('')) program.error('error: an argument is empty');
  for (const [name, value] of Object.entries(command.optsWithGlobals()))
    if (value === '' && !saidElsewhere.includes(name)) program.error(`error: the value of --${name} is empty`);
  const found = statSync(runs, {throwIfNoEntry: false});
  if (found && !found.isDirectory()) program.error(`error: --runs ${runs} is not a folder`);
  if (!found && lstatSync(runs, {throwIfNoEntry: false}))
    program.error(`error: --runs ${runs} is a link to ${readlinkSync(runs)}, which is not there`);
  // The rest takes a while to load.
  if (command.parent === program && !json) showSign(command.name());
});

program.addHelpText(
  'after',
  `
Examples:
  pipeline run pipelines/quickstart.yaml           trains on real images for a minute, and compares with the paper
  pipeline plan pipelines/quickstart.yaml          shows what would run and what is cached
  pipeline compare quickstart                      prints the table again, from the results database
  pipeline report                                  makes an HTML page of the latest run
  pipeline run pipelines/quickstart.yaml --set learner.epochs=50 --seeds 3

Exit status: 0 everything was done, 1 a task failed, 2 the input is wrong, 130 the run was interrupted. If data is missing,
the tasks that need it fail and the rest run; if all data is missing, the exit status is 2.`,
);

const engineOption = () =>
  new Option('--engine <name>', 'engine that computes tensors')
    .env('PIPELINE_ENGINE')
    .choices(['auto', ...engineNames])
    .default('auto');

const threadsOption = () =>
  new Option(
    '--threads <n>',
    'threads of one tensor operation on tensorflow; another number changes the last digits of results',
  )
    .env('PIPELINE_THREADS')
    .argParser(parallel)
    .default(defaultThreads);

const collect = (value: string, before: readonly string[] = []) => [...before, value];

/** Options that change the spec: shared by every command that reads one. */
const specOptions = (command: Command): Command =>
  command
    .option('--set <path=value>', 'set an option, such as learner.epochs=10; null removes it (repeatable)', collect)
    .option('--seeds <n|list>', 'number of seeds, or a list such as 0,3,7')
    .option('--normal-classes <list>', 'normal classes to run, such as bag,sandal')
    .addOption(new Option('--inliers <list>', 'the older name of --normal-classes').hideHelp());

specOptions(program.command('run').description('run a spec or suite; compute only what is not cached'))
  .argument('<spec>', 'YAML file')
  .addOption(engineOption())
  .addOption(threadsOption())
  .addOption(jobsOption().env('PIPELINE_JOBS'))
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
  .option('--frozen', 'compute nothing: a stage that is not cached, here or in the store, is an error', false)
  .option('--plain', 'print plain lines instead of the live view', false)
  .option('--quiet', 'print only the table and failures', false)
  .option('--profile', "measure how much time each kind of stage spends in the engine's kernels", false)
  .addOption(executorOption())
  .addOption(siteOption())
  .option('--detach', 'print the id of the run and go on in the background; "attach" shows it', false)
  .action(async (spec: string, options: RunOptions, command: Command) => {
    checkExecutor(command);
    // The rest takes a while to load.
    if (process.stderr.isTTY && !options.quiet && !globals().json) process.stderr.write(`Reading ${spec} …\n`);
    await leave((await import('./run.ts')).run(spec, options, globals()));
  });

specOptions(
  program.command('plan').description('show what would run, what is cached, and how much computing it is; run nothing'),
)
  .argument('<spec>', 'YAML file')
  .option(
    '--estimate',
    'measure a few steps of each training, and estimate how long all of them take on this machine',
    false,
  )
  .addOption(engineOption())
  .addOption(threadsOption())
  .option('--explain', 'show for every stage that would run how it differs from the most similar cached stage', false)
  .addOption(new Option('--graph <format>', 'print the graph of stages').choices(['mermaid', 'dot', 'svg']))
  .addOption(executorOption())
  .addOption(siteOption())
  .action(async (spec: string, options: PlanOptions, command: Command) => {
    checkExecutor(command);
    await leave((await import('./plan.ts')).plan(spec, options, globals()));
  });

program
  .command('new')
  .description('write a spec for a folder of images, by what is in it')
  .argument('[folder]', 'folder of images', '.')
  .option('--out <file>', 'spec to write (default: the folder’s name, .yaml); never written over')
  .action(async (folder: string, options: NewOptions) =>
    leave((await import('./new.ts')).newSpec(folder, options, globals())),
  );

specOptions(program.command('validate').description('check a spec or suite, and look for its data; run nothing'))
  .argument('<spec...>', 'YAML files')
  .action(async (specs: string[], options: SpecOptions) =>
    leave((await import('./plan.ts')).validate(specs, options, globals())),
  );

program
  .command('compare')
  .description("print results beside the papers' results")
  .argument('[what...]', 'run ids or spec names (default: the latest run)')
  .addOption(
    new Option('--format <format>', 'output format')
      .choices(['table', 'markdown', 'csv', 'json', 'latex'])
      .default('table'),
  )
  .option('--metric <metric>', 'metric to print, or "all" (default: auc if it was computed)')
  .option('--table <table>', 'use the layout of a table of the papers, such as iclr-table-7')
  .action(async (what: string[], options: CompareOptions) =>
    leave((await import('./results.ts')).compare(what, options, globals())),
  );

program
  .command('predict')
  .description("score new images with a finished task's model")
  .argument('<run>', 'run id, a unique part of it, "latest", or the name of a spec')
  .argument('<images...>', 'image files (JPEG, PNG, WebP), and folders of them')
  .option(
    '--task <id>',
    "a task's id, or a part that no other has (default: the only one; of a search, of the chosen configuration)",
  )
  .option('--classifier <name>', 'as it is called in tables (default: all of the task)')
  .option(
    '--quantile <q>',
    'an image is anomalous if it scores above this share of the held-out normal training images',
    share,
    0.95,
  )
  .option('--maps <folder>', 'folder for heat maps as PNG; the task must have "localize"')
  .addOption(new Option('--format <format>', 'output format').choices(['table', 'csv', 'json']).default('table'))
  .addOption(engineOption())
  .addOption(threadsOption())
  .action(async (run: string, images: string[], options: PredictOptions) =>
    leave((await import('./predict.ts')).predict(run, images, options, globals())),
  );

program
  .command('export')
  .description("write a finished task's encoder and classifier as one ONNX model")
  .argument('<run>', 'run id, a unique part of it, "latest", or the name of a spec')
  .option(
    '--task <id>',
    "a task's id, or a part that no other has (default: the only one; of a search, of the chosen configuration)",
  )
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
  .description('write one HTML file about a run: tables, curves, maps of features, images, timeline, provenance')
  .argument('[run]', 'run id, a unique part of a run id, "latest", or the name of a spec', 'latest')
  .option('--out <file>', 'file to write (default: report.html in the folder of the run)')
  .option('--task <part>', 'show details of the tasks with this text in their ids, such as bag')
  .addOption(
    new Option(
      '--images <which>',
      'pictures of test images: as many as fit into about a megabyte, or all, small where they must be, in a page of three',
    )
      .choices(['some', 'all'])
      .default('some'),
  )
  .action(async (run: string, options: ReportOptions) =>
    leave((await import('./report.ts')).report(run, options, globals())),
  );

program
  .command('ls')
  .description('list runs, newest first')
  .option('--tag <tag>', 'only runs with this tag')
  .action(async (options: LsOptions) => leave((await import('./ls.ts')).ls(options, globals())));

const show = program.command('show');
show
  .description('one run: tasks, stages, failures, metrics')
  .argument('<run>', 'run id, a unique part of it, "latest", or the name of a spec')
  .action(async (run: string) => leave((await import('./results.ts')).show(run, globals())));

specOptions(
  show.command('augment').description('draw a contact sheet of the images and views that a learner trains on'),
)
  .argument('<spec>', 'YAML file')
  .option('--task <id>', 'task id, or a part of it (default: the first task that trains)')
  .option('--images <n>', 'number of training images; each has a row', upTo(1000), 8)
  .option('--draws <n>', 'number of draws of the augmentation; each epoch makes one', upTo(1000), 3)
  .option('--out <file>', 'PNG file to write (default: in the folder of runs)')
  .action(async (spec: string, options: AugmentOptions) =>
    leave((await import('./augment.ts')).showAugment(spec, options, globals())),
  );

program
  .command('why')
  .description('show what differs between two runs')
  .argument('<run>', 'run id, a unique part of it, "latest", or the name of a spec')
  .argument('<other>', 'the same')
  .action(async (run: string, other: string) => leave((await import('./results.ts')).whyRuns(run, other, globals())));

program
  .command('query')
  .description(
    'query the results with read-only SQL (tables: runs, tasks, stages, metrics, kinds, baselines; view: comparison)',
  )
  .argument('<sql>', 'one SQL statement')
  .addOption(new Option('--format <format>', 'output format').choices(['table', 'csv', 'json']).default('table'))
  .action(async (sql: string, options: QueryOptions) =>
    leave((await import('./results.ts')).query(sql, options, globals())),
  );

declareJobs(program, globals, leave);
declareSearches(program, globals, leave);
declareRemarks(program, globals, leave);

program
  .command('ui')
  .description('show runs, live progress, comparisons and queries in the browser, on this machine only')
  .option('--port <n>', 'port (default: a free one)', portNumber)
  .option('--write', 'let who opens the second printed address change tags and notes', false)
  .action(async (options: UiOptions) => leave((await import('./ui.ts')).ui(options, globals())));

const db = program.command('db').description('rebuild the results database');
db.command('rebuild')
  .description('make the results database again from the runs')
  .action(async () => leave((await import('./results.ts')).rebuild(globals())));

const data = program.command('data').description('list, fetch and verify datasets');
data
  .command('ls')
  .description('list every dataset and where it was found')
  .action(async () => leave((await import('./tools.ts')).dataLs(globals())));
data
  .command('fetch')
  .description('fetch a dataset from its publisher into the data folder')
  .argument('<dataset>')
  .action(async (name: string) => leave((await import('./tools.ts')).dataFetch(name, globals())));
data
  .command('verify')
  .description('read a whole dataset and check its counts')
  .argument('<dataset>')
  .action(async (name: string) => leave((await import('./tools.ts')).dataVerify(name, globals())));

declareStorage(program, {globals, leave, days: upTo(36_500)});

program
  .command('plugins')
  .description('list datasets, transforms, networks, learners, classifiers and metrics, with their options')
  .argument('[plugin]', 'show only this plug-in')
  .option('--markdown', 'print Markdown', false)
  .option('--spec <file>', "with a spec's own")
  .action(async (name: string | undefined, options: {markdown: boolean; spec?: string}) =>
    leave((await import('./tools.ts')).plugins(name, options, globals())),
  );

program
  .command('schema')
  .description('print the JSON Schema of specs')
  .option('--write', 'write the files in schemas/, that of site files too', false)
  .addOption(new Option('--spec <file>', "with a spec's own").conflicts('write'))
  .action(async (options: {write: boolean; spec?: string}) => leave((await import('./tools.ts')).schema(options)));

program
  .command('doctor')
  .description('show which engines and datasets work on this machine, and what could be improved')
  .option('--kernels', "test TensorFlow's kernels on this processor, and show how wrong ones are replaced", false)
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
  .description('fetch and compile a native engine')
  .addOption(new Option('--engine <name>', 'which one').choices(['tensorflow', 'torch']).default('tensorflow'))
  .option('--if-possible', 'exit with status 0 if the machine lacks something that is needed', false)
  .action(async (options: {engine: 'tensorflow' | 'torch'; ifPossible: boolean}) =>
    leave((await import('./tools.ts')).setup(options, globals())),
  );

program
  .command('completion')
  .description('print a completion script for a shell; its first lines say how to load it')
  .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
  .action(async (shell: Shell) => leave((await import('./completion/index.ts')).completion(shell, program)));

function globals(): Globals {
  const {runs, data, json, store} = program.opts<Globals>();
  return {runs, json, ...(data === undefined ? {} : {data}), ...(store === undefined ? {} : {store})};
}

/** The command's exit status; Node ends by itself once standard output is flushed. */
async function leave(status: Promise<number>): Promise<void> {
  process.exitCode = await status;
  eraseSign();
}

/** Parses the command line of this process and does what it says. */
export async function main(): Promise<void> {
  // `pipeline query … | head` closes the pipe early, which is not a failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    tell(new Error(`the output cannot be written: ${error.message}`));
    process.exit(exitCodes.failed);
  });
  try {
    await program.parseAsync();
  } catch (error) {
    eraseSign();
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.wrongInput;
      return;
    }
    tell(error);
    process.exitCode = exitCodes.failed;
  }
}

function tell(error: unknown): void {
  const {message, hint} = systemProblem(error) ?? {message: messageOf(error), hint: undefined};
  process.stderr.write(`pipeline: ${message}\n${hint === undefined ? '' : `   ${hint}\n`}`);
  if (process.env['PIPELINE_DEBUG'] && error instanceof Error) process.stderr.write(`${error.stack}\n`);
}
