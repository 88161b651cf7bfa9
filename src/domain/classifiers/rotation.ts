import type {Classifier, Scorer} from '../../core/contracts/classifier.ts';
import {defineClassifier} from '../../core/contracts/classifier.ts';
import type {Matrix} from '../../core/contracts/data.ts';
import {Type} from '../../core/plugin/type.ts';
import {sumRows} from './scores-graph.ts';

/**
 * The rotation learner's own classifier as a detector (docs/paper-notes.md 4.5): how uncertain it is about the turns of an image.
 * Its features are log-probabilities of the right turn of each turned copy, (n, turns).
 */
export const rotationClassifier = defineClassifier({
  name: 'rotation',
  version: 1,
  summary: 'How badly the rotation learner recognises an image’s four turns: minus the sum of their log-probabilities.',
  paper: 'Golan & El-Yaniv 2018; Sohn et al. 2021',
  options: Type.Object({}, {additionalProperties: false}),
  layer: 'rotation',
  row: () => 'rotation',
  create: (): Classifier => ({fit: () => scorer, restore: () => scorer}),
});

// Nothing is learnt: the network is already trained.
const scorer: Scorer = {
  score: minusRowSums,
  save: () => new Map(),
  gradient: ({rows, columns}) => ({rows, columns, data: new Float32Array(rows * columns).fill(-1)}),
  gradientGraph: (builder, features) => {
    const minusOne = builder.constant(Float32Array.of(-1));
    return builder.node('Expand', [minusOne, builder.node('Shape', [features])]);
  },
  graph: (builder, features) => builder.node('Neg', [sumRows(builder, builder.toDouble(features))]),
};

/** Of the same order as the paper's 1 - product of the probabilities, which underflows. */
function minusRowSums({rows, columns, data}: Matrix): Float64Array {
  return Float64Array.from({length: rows}, (_, row) => {
    let sum = 0;
    for (let i = row * columns; i < (row + 1) * columns; i++) sum += data[i]!;
    return -sum;
  });
}
