/**
 * Drives a search: proposes trials, adds their tasks to the run, and reads the values. A trial is proposed from trials that began at
 * least `parallel` before it, and compared at a rung with those before it, so that nothing depends on which stage ends first: the same
 * seed makes the same trials on any machine, and an interrupted search, run again, finds its trials in the cache.
 */
import {setImmediate as turn} from 'node:timers/promises';
import {Rng} from '../../core/base/random.ts';
import type {Result} from '../../core/base/result.ts';
import {ExpectedError} from '../../core/base/system-error.ts';
import type {Plugins} from '../../core/plugin/registry.ts';
import type {PlannedSearch, TrialTasks} from '../config/searches.ts';
import type {Task} from '../config/spec.ts';
import type {Growing, Growth} from '../execute/executor.ts';
import type {StageOutcome} from '../execute/outcome.ts';
import type {Problem} from '../failures.ts';
import {addTasks} from '../plan/graph.ts';
import {GraphBuilder} from '../plan/graph-builder.ts';
import type {Sources} from '../plan/sources.ts';
import {isStage} from '../stages/define.ts';
import {learn, trainingKey} from '../stages/learn.ts';
import type {StageNode} from '../stages/stage.ts';
import {Board, Stopped, type Tried} from './board.ts';
import {Budget} from './budget.ts';
import {glanceOf} from './glance.ts';
import type {Rule} from './ladder.ts';
import {type Measured, objectiveValue} from './objective.ts';
import {methodOf} from './propose/methods.ts';
import {ruleOf, rungsOf} from './rule.ts';
import {Settings} from './settings.ts';
import type {Point} from './space.ts';
import {trialText, wordsOf} from './words.ts';

export interface SearchOptions {
  readonly search: PlannedSearch;
  readonly plugins: Plugins;
  /** Finds the files of a trial's datasets. */
  readonly sources: (tasks: readonly Task[]) => Promise<Result<Sources, Problem>>;
}

export class SearchGrowth implements Growth {
  readonly #options: SearchOptions;
  readonly #builder: GraphBuilder;
  readonly #settings: Settings;
  /** Undefined: every training runs to its end. */
  readonly #rule: Rule | undefined;
  readonly #board: Board;
  readonly #budget: Budget;
  /** Training, whatever its last epoch → the stage that has it furthest. */
  readonly #furthest = new Map<string, string>();
  #best: {readonly value: number; readonly trial: number} | undefined;
  #run!: Growing;

  constructor(options: SearchOptions) {
    const {plugins, search} = options;
    this.#options = options;
    this.#builder = new GraphBuilder(plugins);
    this.#settings = new Settings(search.options);
    this.#rule = ruleOf(search.options);
    this.#board = new Board(this.#rule);
    this.#budget = new Budget(search.options.budget, plugins);
  }

  async grow(run: Growing): Promise<void> {
    this.#run = run;
    run.signal.addEventListener('abort', () => this.#board.close(), {once: true});
    const {method, seed, trials = Number.POSITIVE_INFINITY, parallel} = this.#search;
    const propose = methodOf[method](this.#settings.trials, new Rng(seed).fork('trials'));
    const going: Promise<void>[] = [];
    for (let n = 0; n < trials; n++) {
      await going[n - parallel];
      // Where all is cached, nothing else lets the process hear Ctrl-C.
      await turn();
      if (run.signal.aborted || this.#budget.isSpent(run.emit)) break;
      const point = propose(n, this.#board.known(n - parallel + 1));
      if (!point) {
        run.emit({type: 'note', message: `every configuration of the space was tried: ${n} in all`});
        break;
      }
      const trial = this.#trial(n, point);
      trial.catch(() => undefined); // thrown where it is awaited
      going.push(trial);
    }
    await Promise.all(going);
  }

  get #search() {
    return this.#options.search.options;
  }

  async #trial(n: number, point: Point): Promise<void> {
    const {parallel} = this.#search;
    const first = this.#settings.first(point).map((settings) => ({...point, ...settings}));
    try {
      const rungs = this.#rule ? this.#rungsOf(this.#rule, first[0]!, n) : [];
      this.#board.begin(point, rungs);
      for (const until of rungs) {
        const tried = await this.#measure(n, first, 0, until);
        this.#board.reached(n, tried);
        if (await this.#board.goesOn(n)) continue;
        this.#report(n, tried, until);
        return;
      }
      const tried = await this.#measure(n, first, 0);
      const earlier = this.#board.triedBefore(n - parallel + 1);
      const more = this.#settings.more(point, tried.map(withoutTraining(point)), earlier);
      const rest = await this.#measure(
        n,
        more.map((settings) => ({...point, ...settings})),
        tried.length,
      );
      const all = [...tried, ...rest];
      this.#report(n, all);
      this.#board.reached(n, all.map(withoutTraining(point)));
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
    }
  }

  #rungsOf(rule: Rule, point: Point, number: number): readonly number[] {
    return rungsOf(rule, this.#tasks(point, {trial: {number, setting: 0}})[0]);
  }

  #tasks(point: Point, trial: TrialTasks): readonly Task[] {
    const made = this.#options.search.tasksOf(point, trial);
    const {stopping, objective} = this.#search;
    if (made.ok)
      return stopping && trial.until !== undefined
        ? made.value.map((task) => glanceOf(task, objective.metric, stopping, this.#options.plugins))
        : made.value;
    // Each parameter's bounds were checked alone; together they can still be wrong, as a stride longer than a patch.
    const [{message, hint}] = made.failures as [Problem];
    this.#run.emit({
      type: 'warning',
      message: `trial ${trial.trial.number} is not valid: ${message}. ${hint ?? ''}`.trim(),
    });
    return [];
  }

  /** Runs configurations that share a training; their values in the same order. */
  async #measure(n: number, points: readonly Point[], from: number, until?: number): Promise<readonly Tried[]> {
    const configurations = points.map((point, k) => {
      const trial = {trial: {number: n, setting: from + k}, ...(until !== undefined && {until})};
      return {point, setting: from + k, tasks: this.#tasks(point, trial)};
    });
    const tasks = configurations.flatMap((one) => one.tasks);
    if (tasks.length > 0) await this.#add(n, tasks, configurations.length > 1 || from > 0, until);
    const outcomes = new Map<string, StageOutcome>();
    const nodes = this.#builder.measuring(tasks.map(({id}) => id));
    for (const {id} of nodes) outcomes.set(id, await this.#run.outcomeOf(id));
    if (this.#run.signal.aborted) throw new Stopped();
    return configurations.map(({point, setting, tasks: own}) => ({
      setting,
      point,
      value: objectiveValue(
        this.#search.objective,
        own.map((task) => this.#measured(task, nodes, outcomes)),
      ),
    }));
  }

  async #add(n: number, tasks: readonly Task[], hasSettings: boolean, until: number | undefined): Promise<void> {
    const sources = await this.#options.sources(tasks);
    if (!sources.ok) throw new ExpectedError(sources.failures[0]!.message);
    addTasks(this.#builder, tasks, sources.value);
    const settingOf = new Map(tasks.map(({id, trial}) => [id, trial!.setting]));
    const stages = this.#builder.take().map((node) => {
      const own = new Set(node.tasks.flatMap((task) => settingOf.get(task) ?? []));
      const trial = hasSettings && own.size === 1 ? `trial ${n}.${[...own][0]}` : `trial ${n}`;
      const label = [node.label, trial, ...(until === undefined ? [] : [`to epoch ${until}`])].join(' · ');
      return this.#resuming({...node, label});
    });
    this.#run.add({tasks, stages});
    this.#budget.add(tasks, stages);
  }

  /** A training goes on from where the same one has ended earlier. */
  #resuming(node: StageNode): StageNode {
    if (!isStage(learn, node)) return node;
    const training = trainingKey(node);
    const resumes = this.#furthest.get(training);
    this.#furthest.set(training, node.id);
    return resumes === undefined || resumes === node.id ? node : {...node, resumes};
  }

  #measured(task: Task, nodes: readonly StageNode[], outcomes: ReadonlyMap<string, StageOutcome>): Measured {
    const {classifier} = task.trial!;
    return {
      inlier: task.inlier,
      seed: task.seed,
      values: nodes.flatMap(({id, results = []}) => {
        const outcome = outcomes.get(id)!;
        if (!('entry' in outcome)) return [];
        return results
          .filter(
            (result) =>
              result.task === task.id && (result.classifier === classifier || result.classifier.startsWith('(')),
          )
          .map((result) => ({result, summary: outcome.entry.manifest.summary}));
      }),
    };
  }

  #report(n: number, tried: readonly Tried[], until?: number): void {
    const {better} = this.#search.objective;
    const best = tried.reduce<Tried | undefined>((a, b) => (a && !(b.value > a.value) ? a : b), undefined);
    if (until === undefined && best && !Number.isNaN(best.value) && !(this.#best && this.#best.value >= best.value))
      this.#best = {value: best.value, trial: n};
    this.#run.emit({
      type: 'note',
      message: trialText({words: wordsOf(this.#search.space), number: n, best, until, leader: this.#best, better}),
    });
  }
}

/** With only what the setting adds to the training's point. */
const withoutTraining =
  (training: Point) =>
  (tried: Tried): Tried => ({
    ...tried,
    point: Object.fromEntries(Object.entries(tried.point).filter(([path]) => !Object.hasOwn(training, path))),
  });
