/** A graph of stages that grows while kinds of stages plan tasks. Equal stages become one node. */
import {digestOf} from '../../core/base/canonical.ts';
import type {AnyDefinition, Plugins} from '../../core/plugin/registry.ts';
import type {TObject} from '../../core/plugin/type.ts';
import {
  recordedKind,
  type StageDefinition,
  type StageGraphBuilder,
  type TaskContext,
  type WantedStage,
} from '../stages/define.ts';
import type {ResultRef, StageNode} from '../stages/stage.ts';

type GrowingNode = Omit<StageNode, 'tasks' | 'results'> & {
  readonly tasks: Set<string>;
  readonly results: ResultRef[];
};

/** What was added to a node. */
interface News {
  readonly tasks: string[];
  readonly results: ResultRef[];
}

const asNode = (
  node: GrowingNode,
  {tasks, results}: {readonly tasks: Iterable<string>; readonly results: readonly ResultRef[]} = node,
): StageNode => {
  const {tasks: _, results: __, ...rest} = node;
  return {...rest, tasks: [...tasks], ...(results.length > 0 ? {results: [...results]} : {})};
};

export class GraphBuilder implements StageGraphBuilder {
  readonly plugins: Plugins;
  readonly #nodes = new Map<string, GrowingNode>();
  readonly #ofTask = new Map<string, Set<string>>();
  /** By node, what was added since the last `take`. */
  #news = new Map<string, News>();
  /** Task → kind of stage → what its `plan` returned. */
  readonly #planned = new WeakMap<TaskContext, Map<string, unknown>>();

  constructor(plugins: Plugins) {
    this.plugins = plugins;
  }

  /** The nodes, in the order in which they were first asked for. */
  get nodes(): readonly StageNode[] {
    return [...this.#nodes.values()].map((node) => asNode(node));
  }

  /**
   * The nodes that tasks have asked for since the last call, in the order in which they were first asked for. One that was taken before
   * has only its new tasks and results: all tasks of a search share some nodes.
   */
  take(): readonly StageNode[] {
    const taken = [...this.#news].map(([id, news]) => asNode(this.#nodes.get(id)!, news));
    this.#news = new Map();
    return taken;
  }

  /** The nodes that measure something of these tasks. */
  measuring(tasks: readonly string[]): readonly StageNode[] {
    const ids = new Set(tasks.flatMap((task) => [...(this.#ofTask.get(task) ?? [])]));
    return [...ids].flatMap((id) => {
      const node = this.#nodes.get(id)!;
      return node.results.length > 0 ? [asNode(node)] : [];
    });
  }

  plan<R extends TObject, P>(stage: StageDefinition<R, P>, task: TaskContext): P {
    const planned = this.#planned.get(task) ?? new Map<string, unknown>();
    this.#planned.set(task, planned);
    if (!planned.has(stage.kind)) planned.set(stage.kind, stage.plan?.(task, this));
    return planned.get(stage.kind) as P;
  }

  addStage<R extends TObject>(stage: StageDefinition<R>, {task}: TaskContext, wanted: WantedStage<unknown>): string {
    const {label, inputs, uses, sources = [], files = [], absent, result} = wanted;
    const kind = recordedKind(stage);
    const recipe = wanted.recipe as StageNode['recipe'];
    const inputPairs = Object.fromEntries(
      Object.entries(inputs).map(([role, {stage: id, file}]) => [role, [id, file]]),
    );
    const paths = files.length > 0 ? {files: files.map(({path}) => path)} : {};
    const {precision} = stage.inPrecision ? task : {};
    const precise = precision ? {precision} : {};
    const id = digestOf({kind, recipe, inputs: inputPairs, ...paths, ...precise}).slice(0, 16);
    const node: GrowingNode = this.#nodes.get(id) ?? {
      id,
      kind,
      label,
      recipe,
      inputs,
      sources: [...sources, ...files],
      ...(absent ? {absent} : {}),
      ...this.#codeOf(uses),
      lane: stage.lane,
      ...precise,
      tasks: new Set<string>(),
      results: [],
    };
    const news = this.#news.get(id) ?? {tasks: [], results: []};
    this.#nodes.set(id, node);
    this.#news.set(id, news);
    if (!node.tasks.has(task.id)) news.tasks.push(task.id);
    node.tasks.add(task.id);
    const own = this.#ofTask.get(task.id) ?? new Set();
    this.#ofTask.set(task.id, own.add(id));
    if (result && !node.results.some((known) => known.task === result.task && known.classifier === result.classifier)) {
      node.results.push(result);
      news.results.push(result);
    }
    return id;
  }

  labelOf(id: string): string {
    return this.#nodes.get(id)!.label;
  }

  #codeOf(uses: readonly AnyDefinition[]): Pick<StageNode, 'code'> {
    const code = [...new Set(uses.flatMap((definition) => this.plugins.codeOf(definition)))];
    return code.length > 0 ? {code} : {};
  }
}
