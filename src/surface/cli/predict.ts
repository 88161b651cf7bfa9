/** `predict`: new images through a task's model. */
import {mkdirSync} from 'node:fs';
import {writeFile} from 'node:fs/promises';
import {basename, extname, join} from 'node:path';
import {printable} from '../../core/base/screen.ts';
import {readImages} from '../../core/formats/arrow/images.ts';
import {encodePng} from '../../core/images/codec.ts';
import {chooseClassifiers, explanationsOf} from '../../pipeline/models/find.ts';
import {listPictures, type PictureFile, writePictures} from '../../pipeline/models/pictures.ts';
import {type Heat, type Prediction, Predictor} from '../../pipeline/models/predict.ts';
import {quantile} from '../../pipeline/models/threshold.ts';
import {overlay} from '../../pipeline/stages/overlay.ts';
import {formatPredictions, type PredictionFormat} from '../tables/predictions.ts';
import {exitCodes} from './exit-codes.ts';
import {type EngineOptions, err, type Globals, out, refuse} from './session.ts';
import {type TrainedOptions, withModelWorker, withTrained} from './trained.ts';

export interface PredictOptions extends TrainedOptions, EngineOptions {
  readonly quantile: number;
  readonly maps?: string;
  readonly format: PredictionFormat;
}

export const predict = (
  run: string,
  images: readonly string[],
  options: PredictOptions,
  globals: Globals,
): Promise<number> =>
  withTrained(run, options, chooseClassifiers, globals, async (trained) => {
    const {record, task, chosen, plugins} = trained;
    const explanations = explanationsOf(record, task, chosen);
    if (options.maps !== undefined && explanations.length === 0 && chosen.every(({stage}) => stage.kind !== 'localize'))
      return refuse([
        {
          message: `task ${task.id} has no heat maps, because its spec has no "localize"`,
          hint: 'Leave out --maps, or add "localize" to the spec and run it again.',
        },
      ]);
    return withModelWorker(trained, options, async (worker) => {
      const dataset = plugins.create('dataset', task.dataset);
      const table = join(worker.folder, 'images.arrow');
      const {files: listed, leftOut} = listPictures(images);
      if (leftOut !== undefined) err(`note: ${printable(leftOut)}`);
      const files = await writePictures(table, listed, dataset, dataset.normalClass(task.inlier));
      const judged: Judged[] = [];
      if (files.some(({row}) => row !== undefined)) {
        const predictor = new Predictor({...trained, worker}, table);
        for (const classifier of chosen) {
          const prediction = await predictor.predict(classifier);
          const threshold = quantile(prediction.training, options.quantile);
          judged.push({...prediction, name: classifier.name, threshold});
        }
        if (options.maps !== undefined) {
          const heats = judged.flatMap(({name, heat, threshold}) => (heat ? [{name, heat, threshold}] : []));
          for (const explanation of explanations) {
            const heat = await predictor.explain(explanation);
            heats.push({name: explanation.name, heat, threshold: quantile(heat.training, options.quantile)});
          }
          await writeMaps(options.maps, table, files, heats);
        }
      }
      const about = {run: record.id, task: task.id, quantile: options.quantile};
      out(formatPredictions({...about, files, classifiers: judged}, globals.json ? 'json' : options.format));
      return files.every(({row}) => row !== undefined) ? exitCodes.done : exitCodes.failed;
    });
  });

interface Judged extends Prediction {
  readonly name: string;
  readonly threshold: number;
}

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
