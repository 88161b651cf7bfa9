/** Tasks → stages. Tasks that ask for equal stages share them. Does not look at the cache. */
import type {Plugins} from '../../core/plugin/registry.ts';
import type {Plan} from '../config/spec.ts';
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
  const tasks = plan.tasks.map((task) => contextOf(task, plugins, sources));
  for (const task of tasks) for (const stage of stages) graph.plan(stage, task);
  for (const stage of stages) stage.combine?.(tasks, graph);
  return distinguish(graph.nodes, new Map(plan.tasks.map((task) => [task.id, task])));
}
