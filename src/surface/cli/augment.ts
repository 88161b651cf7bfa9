/** `show augment`: a picture of what a learner is fed. */
import {join, resolve} from 'node:path';
import {writeFileAtomic} from '../../core/base/files.ts';
import {plural} from '../../core/base/text.ts';
import type {CopyRef} from '../../core/contracts/learner.ts';
import {readArrays} from '../../core/formats/arrow/arrays.ts';
import {readImageSet} from '../../core/formats/arrow/images.ts';
import {encodePng} from '../../core/images/codec.ts';
import {contactSheet} from '../../domain/learners/contact-sheet.ts';
import {batchStream} from '../../domain/learners/training/feed.ts';
import type {Task} from '../../pipeline/config/spec.ts';
import {emitter} from '../../pipeline/events.ts';
import {execute} from '../../pipeline/execute/executor.ts';
import {contaminate, truthArray, truthFile} from '../../pipeline/stages/contaminate.ts';
import {data} from '../../pipeline/stages/data.ts';
import {isStage, recipeOf} from '../../pipeline/stages/define.ts';
import {type LearnRecipe, learn, learnerRng} from '../../pipeline/stages/learn.ts';
import type {StageNode} from '../../pipeline/stages/stage.ts';
import {openCache} from '../../pipeline/store/cache/cache.ts';
import {openFileDigests} from '../../pipeline/store/sources.ts';
import {exitCodes} from './exit-codes.ts';
import {prepare, type Ready, type SpecOptions} from './prepare.ts';
import {err, folders, type Globals, out, refuse} from './session.ts';

export interface AugmentOptions extends SpecOptions {
  readonly task?: string;
  readonly images: number;
  readonly draws: number;
  readonly out?: string;
}

export const showAugment = (spec: string, options: AugmentOptions, globals: Globals): Promise<number> =>
  prepare(spec, options, globals, async (ready) => {
    const {plan, plugins, graph} = ready;
    const asked = plan.tasks.filter(({id}) => options.task === undefined || id.includes(options.task));
    if (asked.length === 0)
      return refuse([
        {message: `there is no task "${options.task}"`, hint: `There are ${plan.tasks.map(({id}) => id).join(', ')}.`},
      ]);
    const task = asked.find(({learner}) => plugins.create('learner', learner).views);
    if (!task)
      return refuse([
        {
          message: `learner "${asked[0]!.learner.type}" does not train, so it gets no images`,
          hint: 'Choose a task of another learner: --task <id>.',
        },
      ]);
    const own = graph.filter(({tasks}) => tasks.includes(task.id));
    const recipe = recipeOf(
      learn,
      own.find((node) => isStage(learn, node)),
    )!;
    const folder = await trainingFolder(
      own.filter((node) => isStage(data, node) || isStage(contaminate, node)),
      ready,
      globals,
    );
    if (folder === undefined) return exitCodes.failed;
    const images = await readImageSet(join(folder, 'train.arrow'), {class: recipe.normal!});
    const {learner, augment, distribution_augmentation: copies = []} = recipe;
    const stream = batchStream(learnerRng(recipe));
    const sheet = contactSheet({
      images,
      learner,
      augment,
      copies,
      plugins,
      stream,
      rows: options.images,
      draws: options.draws,
    });
    const to = resolve(options.out ?? join(folders(globals).runs, 'augment', `${fileName(task)}.png`));
    await writeFileAtomic(to, await encodePng(sheet.picture));
    const anomalies = task.contaminate === undefined ? 0 : await anomaliesIn(folder);
    const legend = legendOf(recipe, copies, {count: images.count, anomalies}, options.draws, sheet);
    if (globals.json) out(JSON.stringify({file: to, task: task.id, ...legend}, null, 2));
    else out([to, `task: ${task.id}`, `rows: ${legend.rows}`, `columns: ${legend.columns}`].join('\n'));
    return exitCodes.done;
  });

const fileName = ({id}: Task): string => id.replaceAll(/[^A-Za-z0-9._=-]+/g, '-');

/** What the last of these stages, which make the training images, leaves: from the cache or made now; undefined: one failed, and said why. */
async function trainingFolder(
  makers: readonly StageNode[],
  {plugins}: Ready,
  globals: Globals,
): Promise<string | undefined> {
  const {cache: folder} = folders(globals);
  const {stages} = await execute({
    run: 'augment',
    plan: {name: 'augment', tasks: []},
    graph: makers,
    plugins,
    cache: openCache(folder, {warn: (message) => err(`warning: ${message}`)}),
    digests: openFileDigests(folder),
    emit: emitter([]),
    signal: new AbortController().signal,
    engine: () => Promise.reject(new Error('reading images needs no engine')),
  });
  for (const {id, label} of makers) {
    const outcome = stages.get(id)!;
    if ('entry' in outcome && id === makers.at(-1)!.id) return outcome.entry.folder;
    if (outcome.status === 'failed')
      refuse([{message: `${label}: ${outcome.message}`, ...(outcome.hint && {hint: outcome.hint})}]);
  }
  return undefined;
}

async function anomaliesIn(folder: string): Promise<number> {
  const {data} = (await readArrays(join(folder, truthFile))).get(truthArray)!;
  return data.reduce((sum, mark) => sum + mark, 0);
}

function legendOf(
  {normal, augment}: LearnRecipe,
  copies: readonly CopyRef[],
  {count, anomalies}: {readonly count: number; readonly anomalies: number},
  draws: number,
  {images, views}: {readonly images: readonly number[]; readonly views: number},
) {
  const names = (refs: CopyRef) => refs.map(({type}) => type).join(' + ') || 'none';
  const each = copies.length === 0 ? '' : `, each followed by its copies by ${copies.map(names).join(', ')}`;
  const strange =
    anomalies === 0 ? '' : ` (${anomalies} of them ${anomalies === 1 ? 'is an anomaly' : 'are anomalies'})`;
  const view = views === 1 ? 'the view' : `the ${views} views`;
  return {
    rows: `${images.length} of ${plural(count, 'training image')} of class "${normal}"${strange}${each}`,
    columns:
      `the image before augmentation, then ${plural(draws, 'draw')} of ${view} that the network gets; ` +
      `augmentation: ${names(augment)}; values outside [0, 1] are clipped`,
  };
}
