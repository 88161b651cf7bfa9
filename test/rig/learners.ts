/** The built-in plug-ins, checked options, and all that a learner is given to train with. */
import {expect} from 'vitest';
import {plugins as builtin} from '../../src/builtin.ts';
import {compiledUrl} from '../../src/core/base/compiled.ts';
import {Rng} from '../../src/core/base/random.ts';
import type {ImageSet} from '../../src/core/contracts/data.ts';
import type {Kind, PluginRef} from '../../src/core/contracts/definition.ts';
import type {FitContext, LearnProgress} from '../../src/core/contracts/learner.ts';
import {checkPlugin} from '../../src/core/plugin/check.ts';
import {Plugins} from '../../src/core/plugin/registry.ts';

/** As threads load them too. */
export const plugins = new Plugins(builtin, [
  {url: compiledUrl(new URL('../../src/builtin.ts', import.meta.url).href).href},
]);

/** With defaults filled in; what is wrong with the options fails the test. */
export function resolved(kind: Kind, ref: PluginRef): PluginRef {
  const {value, issues} = checkPlugin(plugins, kind, ref);
  expect(issues).toEqual([]);
  return value;
}

/** What `fit` of a test's learner was told: training on `images` from seed 0, without augmentation unless `changes` has some. */
export function fitContext(
  images: ImageSet,
  changes: Partial<FitContext> = {},
): {readonly context: FitContext; readonly reports: readonly LearnProgress[]; readonly warnings: readonly string[]} {
  const reports: LearnProgress[] = [];
  const warnings: string[] = [];
  const context: FitContext = {
    images,
    augment: [],
    rng: new Rng(0),
    signal: new AbortController().signal,
    checkpoints: {load: async () => undefined, save: async () => {}, due: () => false},
    plugins,
    report: (progress) => reports.push(progress),
    warn: (message) => warnings.push(message),
    ...changes,
  };
  return {context, reports, warnings};
}
