/** Tasks → stages. Tasks that ask for equal stages share them. Does not look at the cache. */
import type {Plugins} from '../../core/plugin/registry.ts';
import type {Plan, Task} from '../config/spec.ts';
import type {StageDefinition} from '../stages/define.ts';
import {stages as ours} from '../stages/index.ts';
import type {StageNode} from '../stages/stage.ts';
import {GraphBuilder} from './graph-builder.ts';
import {distinguish} from './names.ts';
import type {Sources} from './sources.ts';
import {contextOf} from './task-context.ts';

/** Task by task, each kind of `stages` in turn adds the stages that the task asks for; then those that several tasks ask for together. */
export function buildGraph(
  plan: Plan,
  plugins: Plugins,
  sources: Sources,
  stages: readonly StageDefinition[] = ours,
): readonly StageNode[] {
  const graph = new GraphBuilder(plugins);
  addTasks(graph, plan.tasks, sources, stages);
  return distinguish(graph.nodes, new Map(plan.tasks.map((task) => [task.id, task])));
}

/** Adds the stages of tasks that belong together. */
export function addTasks(
  graph: GraphBuilder,
  tasks: readonly Task[],
  sources: Sources,
  stages: readonly StageDefinition[] = ours,
): void {
  const contexts = tasks.map((task) => contextOf(task, graph.plugins, sources));
  for (const context of contexts) for (const stage of stages) graph.plan(stage, context);
  for (const stage of stages) stage.combine?.(contexts, graph);
}
