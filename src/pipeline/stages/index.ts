/** What a worker process runs: the body of a stage by its kind. Each is loaded when it is first needed. */
import {unreachable} from '../../core/base/result.ts';
import type {RunStage} from './stage.ts';

export const runStage: RunStage = async (context) => {
  const {kind} = context;
  switch (kind) {
    case 'data':
      return (await import('./data.ts')).data(context);
    case 'learn':
      return (await import('./learn.ts')).learn(context);
    case 'embed':
      return (await import('./embed.ts')).embed(context);
    case 'score':
      return (await import('./score.ts')).score(context);
    case 'localize':
      return (await import('./localize.ts')).localize(context);
    case 'evaluate':
      return (await import('./evaluate.ts')).evaluate(context);
    case 'ensemble':
      return (await import('./ensemble.ts')).ensemble(context);
    case 'measure':
      return (await import('./measure.ts')).measure(context);
    default:
      return unreachable(kind);
  }
};
