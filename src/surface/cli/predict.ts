/** `predict`: new images through a task's model. */
import {mkdirSync, mkdtempSync, rmSync} from 'node:fs';
import {writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {basename, extname, join} from 'node:path';
import {encodePng} from '../../core/images.ts';
import {readImages} from '../../core/table/images.ts';
import type {EngineChoice} from '../../core/tensor/engine.ts';
import {chooseClassifiers, type FittedClassifier, gradcamOf} from '../../pipeline/model/find.ts';
import {listPictures, type PictureFile, writePictures} from '../../pipeline/model/pictures.ts';
import {type Heat, Predictor} from '../../pipeline/model/predict.ts';
import {quantile} from '../../pipeline/model/threshold.ts';
import {overlay} from '../../pipeline/stages/overlay.ts';
import {formatPredictions, type PredictionFormat} from '../report/predictions.ts';
import {err, exitCodes, type Globals, out, refuse} from './session.ts';
import {startFor, type Trained, type TrainedOptions, withTrained} from './trained.ts';

export interface PredictOptions extends TrainedOptions {
  readonly quantile: number;
  readonly maps?: string;
  readonly format: PredictionFormat;
  readonly engine: EngineChoice;
}

export const predict = (
  run: string,
  images: readonly string[],
  options: PredictOptions,
  globals: Globals,
): Promise<number> =>
  withTrained(run, options, chooseClassifiers, globals, async (trained) => {
    const {record, task, chosen, plugins} = trained;
    const gradcam = gradcamOf(record, task);
    if (options.maps !== undefined && !gradcam && chosen.every(({stage}) => stage.kind !== 'localize'))
      return refuse([
        {
          message: `task ${task.id} has no heat maps: its spec does not localise`,
          hint: 'Leave out --maps, or run the spec with "localize".',
        },
      ]);
    const scratch = mkdtempSync(join(tmpdir(), 'pipeline-predict-'));
    try {
      const dataset = plugins.create('dataset', task.dataset);
      const table = join(scratch, 'images.arrow');
      const files = await writePictures(table, listPictures(images), dataset, dataset.normalClass(task.inlier));
      const usable = files.some(({row}) => row !== undefined);
      const judged = usable ? await judge(trained, table, scratch, options) : [];
      if (options.maps !== undefined && usable) {
        const heats = judged.flatMap(({name, heat, threshold}) => (heat ? [{name, heat, threshold}] : []));
        if (gradcam) {
          const heat = await predictorOf(trained, table, scratch).explain(gradcam);
          heats.push({name: 'gradcam', heat, threshold: quantile(heat.training, options.quantile)});
        }
        await writeMaps(options.maps, table, files, heats);
      }
      const about = {run: record.id, task: task.id, quantile: options.quantile};
      out(formatPredictions({...about, files, classifiers: judged}, globals.json ? 'json' : options.format));
      return files.every(({row}) => row !== undefined) ? exitCodes.done : exitCodes.failed;
    } finally {
      rmSync(scratch, {recursive: true, force: true});
    }
  });

interface Judged {
  readonly name: string;
  readonly scores: Float64Array;
  readonly threshold: number;
  /** Training images that the threshold comes from. */
  readonly training: number;
  readonly heat?: Heat;
}

async function judge(
  trained: Trained<readonly FittedClassifier[]>,
  table: string,
  scratch: string,
  options: PredictOptions,
): Promise<readonly Judged[]> {
  const {record, chosen} = trained;
  await startFor(record, options.engine);
  const predictor = predictorOf(trained, table, scratch);
  const judged: Judged[] = [];
  for (const classifier of chosen) {
    const {scores, training, heat} = await predictor.predict(classifier);
    const threshold = quantile(training, options.quantile);
    judged.push({name: classifier.name, scores, threshold, training: training.length, ...(heat && {heat})});
  }
  return judged;
}

const predictorOf = ({record, task, shelf, plugins}: Trained<unknown>, images: string, scratch: string): Predictor =>
  new Predictor({
    record,
    task,
    shelf,
    plugins,
    images,
    scratch,
    signal: new AbortController().signal,
    warn: (message) => err(`warning: ${message}`),
  });

interface Named {
  readonly name: string;
  readonly heat: Heat;
  readonly threshold: number;
}

/** Image and map side by side. Blue is what is usual in training images, green the threshold, red as far above it again. */
async function writeMaps(
  folder: string,
  table: string,
  files: readonly PictureFile[],
  heats: readonly Named[],
): Promise<void> {
  mkdirSync(folder, {recursive: true});
  const shown = files.filter(({row}) => row !== undefined);
  let image = 0;
  for await (const batch of readImages(table))
    for (let i = 0; i < batch.count; i++, image++) {
      const {path} = shown[image]!;
      const place = String(files.indexOf(shown[image]!) + 1).padStart(String(files.length).length, '0');
      for (const {name, heat, threshold} of heats) {
        const {maps, usual} = heat;
        const area = maps.height * maps.width;
        const map = maps.data.subarray(image * area, (image + 1) * area);
        const picture = overlay(batch, i, undefined, map, [usual, 2 * threshold - usual]);
        const which = heats.length === 1 ? '' : `-${name.replaceAll(/[^A-Za-z0-9._=-]+/g, '-')}`;
        const file = `${place}-${basename(path, extname(path))}${which}.png`;
        await writeFile(join(folder, file), await encodePng(picture));
      }
    }
}
