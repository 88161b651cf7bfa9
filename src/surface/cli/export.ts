/** `export`: a task's model as an ONNX file, and a page on how to use it. */
import {basename, resolve} from 'node:path';
import {writeFileAtomic} from '../../core/base/files.ts';
import {bytes, plural} from '../../core/base/text.ts';
import {stretched} from '../../core/images/preparation.ts';
import {buildModel, provenanceOf, refuseExport, tryModel} from '../../pipeline/models/export.ts';
import {chooseClassifier} from '../../pipeline/models/find.ts';
import {fittedOf} from '../../pipeline/models/predict.ts';
import {quantile} from '../../pipeline/models/threshold.ts';
import {formatModelPage} from '../tables/model-page.ts';
import {exitCodes} from './exit-codes.ts';
import {type EngineOptions, type Globals, out, packageVersion} from './session.ts';
import {type TrainedOptions, withModelWorker, withTrained} from './trained.ts';

export interface ExportOptions extends TrainedOptions, EngineOptions {
  readonly quantile: number;
  readonly out: string;
}

export const exportModel = (run: string, options: ExportOptions, globals: Globals): Promise<number> =>
  withTrained(run, options, chooseClassifier, globals, async ({chosen: classifier, ...trained}) => {
    const {record, task, plugins} = trained;
    const what = {...trained, classifier};
    refuseExport(classifier);
    const {training, arrays} = await withModelWorker(trained, options, (worker) =>
      fittedOf(classifier, {...trained, worker}),
    );
    const {columns, map, finish} = await buildModel(what, arrays);
    const threshold = quantile(training, options.quantile);
    const model = finish({
      producer: 'pipeline',
      version: packageVersion(),
      doc: 'images: float32 (N, height, width, channels) in [0, 1]; score: higher = more anomalous.',
      metadata: {
        ...(await provenanceOf(what)),
        pipeline_version: packageVersion(),
        ...(Number.isNaN(threshold)
          ? {}
          : {threshold: String(threshold), threshold_quantile: String(options.quantile)}),
      },
    });
    const checked = await tryModel(model, what);
    const file = resolve(options.out);
    const readme = file.replace(/\.onnx$/i, '.md');
    const {type, ...datasetOptions} = task.dataset;
    const {shape, preparation = stretched(shape)} = plugins.create('dataset', task.dataset);
    const page = formatModelPage({
      file: basename(file),
      run: record.id,
      task: task.id,
      classifier: classifier.name,
      normalClass: task.inlier,
      shape,
      preparation,
      ...(columns !== undefined && {columns}),
      ...(map && {map}),
      dataset: {name: type, summary: plugins.get('dataset', type).summary, options: datasetOptions},
      threshold,
      quantile: options.quantile,
      training: training.length,
      checked,
    });
    await writeFileAtomic(file, model);
    await writeFileAtomic(readme, page);
    const exported = {file, readme, run: record.id, task: task.id, classifier: classifier.name, checked};
    if (globals.json)
      out(JSON.stringify({...exported, threshold: Number.isNaN(threshold) ? null : threshold}, null, 2));
    else
      out(
        [
          `${file}: ${classifier.name} of task ${task.id}, ${bytes(model.length)}`,
          `checked in ONNX Runtime on ${plural(checked.images, 'test image')}: scores differ by at most ${checked.difference.toExponential(1)} of their range`,
          ...(Number.isNaN(threshold) ? [] : [`an image is anomalous above ${threshold.toPrecision(6)}`]),
          `how to use it: ${readme}`,
        ].join('\n'),
      );
    return exitCodes.done;
  });
