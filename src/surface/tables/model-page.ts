/** The page beside an exported model: what it is, and how to use it from Python. Pure. */
import {percent, plural} from '../../core/base/text.ts';
import type {ImageShape} from '../../core/contracts/data.ts';
import type {Step} from '../../core/images/preparation.ts';
import {pythonOf} from './preparation-python.ts';

export interface ModelPage {
  /** Name of the file, such as `model.onnx`. */
  readonly file: string;
  readonly run: string;
  readonly task: string;
  readonly classifier: string;
  readonly normalClass: string;
  readonly shape: ImageShape;
  /** Of the dataset. */
  readonly preparation: readonly Step[];
  /** Of the features; absent: the model gives none. */
  readonly columns?: number;
  /** What the model's maps show; absent: it gives none. */
  readonly map?: 'scores' | 'explanation';
  readonly dataset: {
    readonly name: string;
    readonly summary: string;
    readonly options: {readonly [name: string]: unknown};
  };
  /** NaN: there is none. */
  readonly threshold: number;
  readonly quantile: number;
  /** Training images that the threshold comes from. */
  readonly training: number;
  readonly checked: {readonly images: number; readonly difference: number};
}

const shown = {
  scores: 'a score for every pixel; `score` is the largest',
  explanation: 'what raises the score, for every pixel',
};

export function formatModelPage(page: ModelPage): string {
  const {file, run, task, classifier, normalClass, shape, columns, map, dataset, threshold, checked} = page;
  const {height, width, channels} = shape;
  const grey = channels === 1;
  const options = Object.entries(dataset.options).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  const outputs = [
    ...(columns === undefined
      ? []
      : [`| output | \`features\` | float32 (N, ${columns}) | the input of the classifier |`]),
    ...(map ? [`| output | \`map\` | float32 (N, ${height}, ${width}) | ${shown[map]} |`] : []),
  ];
  return `# ${file}

How anomalous an image is, where ${normalClass} is normal: encoder and classifier \`${classifier}\` of task
\`${task}\`, run \`${run}\`.

| | name | type | meaning |
|---|---|---|---|
| input | \`images\` | float32 (N, ${height}, ${width}, ${channels}) | ${grey ? 'grey' : 'red, green, blue'} from 0 to 1; no mean is subtracted |
| output | \`score\` | float32 (N) | higher = more anomalous |
${outputs.join('\n')}

${thresholdText(page)}

\`\`\`python
import sys

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

session = onnxruntime.InferenceSession("${file}")


${pythonOf(page.preparation, shape)}

for path in sys.argv[1:]:
    ${map ? '(score,), (map,) = session.run(["score", "map"], {"images": load(path)[np.newaxis]})' : '(score,) = session.run(["score"], {"images": load(path)[np.newaxis]})[0]'}
    print(path, score${Number.isNaN(threshold) ? '' : `, "anomalous" if score > ${threshold} else "normal"`})
\`\`\`

\`load\` prepares images as the training images were prepared: dataset \`${dataset.name}\`${options.length > 0 ? ` (${options.join(', ')})` : ''}.
${dataset.summary}
Pixels and scores are those of \`pipeline predict\`.

Checked in ONNX Runtime on ${plural(checked.images, 'test image')} of the run: scores differ by at most ${checked.difference.toExponential(1)}
of their range. The file's metadata lists everything that it was made from (\`session.get_modelmeta().custom_metadata_map\`).
`;
}

function thresholdText({threshold, quantile, training}: ModelPage): string {
  if (Number.isNaN(threshold)) return 'There is no threshold, because it needs at least two training images.';
  return `Threshold: ${threshold}. ${percent(quantile)} of the held-out scores of the ${plural(training, 'training image')} are lower. Held out
means that the classifier was fitted without the image. The encoder has seen all images, so slightly more new normal images may
score higher.`;
}
