/**
 * SPADE (Cohen & Hoshen 2020): the training images that are most similar to an image as a whole are found first, and its places are compared
 * only with theirs. The image's score is its mean squared distance to them.
 */
import type {Classifier, Comparison} from '../../core/contracts/classifier.ts';
import type {Matrix} from '../../core/contracts/data.ts';
import {readFeatures, streamFeatures} from '../../core/formats/arrow/features.ts';
import type {LocalizeRecipe} from './localize-recipe.ts';
import {ItemProgress, inputOf} from './shared.ts';
import type {StageContext} from './stage.ts';
import {featureBytes, type Scores, type WindowFeatures} from './window-features.ts';

/**
 * Inputs: `whole_train` and `whole_test`, features of whole images. If `test` is the same object as `train`, no image is compared with
 * itself. The features of the training places are read once for as many images as fit into memory.
 */
export async function scoreAmongSimilar(
  context: StageContext<LocalizeRecipe> & {readonly similar: number},
  classifier: Classifier,
  train: WindowFeatures,
  test: WindowFeatures,
): Promise<Scores> {
  const [ofTrain, ofTest] = await Promise.all(
    (['whole_train', test === train ? 'whole_train' : 'whole_test'] as const).map(
      async (role) => (await readFeatures(inputOf(context, role))).features,
    ),
  );
  const similar = mostSimilar(ofTrain!, ofTest!, context.similar, test === train);
  const scores = new Float64Array(test.rows);
  const progress = new ItemProgress(context, 'images', test.images);
  const atOnce = Math.max(1, Math.floor(featureBytes / (4 * test.places * test.columns)));
  const images = streamFeatures(test.path);
  for (let first = 0; first < test.images; first += atOnce) {
    const comparisons: Comparison[] = [];
    while (comparisons.length < atOnce) {
      const next = await images.next();
      if (next.done) break;
      comparisons.push(classifier.compare!(next.value.features));
    }
    let training = 0;
    for await (const {features} of streamFeatures(train.path)) {
      for (const [i, comparison] of comparisons.entries())
        if (similar[first + i]!.images.has(training)) comparison.add(features);
      context.signal.throwIfAborted();
      training++;
    }
    for (const [i, comparison] of comparisons.entries()) scores.set(comparison.scores(), (first + i) * test.places);
    await progress.add(comparisons.length);
  }
  return {scores, ofImages: Float64Array.from(similar, ({distance}) => distance)};
}

interface Similar {
  /** Numbers of training images. */
  readonly images: ReadonlySet<number>;
  /** Mean squared distance to them. */
  readonly distance: number;
}

/** The `count` nearest rows of `train` to each row of `test`; all, if there are fewer. `own`: both are the same rows, and none is its own neighbour. */
function mostSimilar(train: Matrix, test: Matrix, count: number, own: boolean): readonly Similar[] {
  const others = own && train.rows > 1;
  return Array.from({length: test.rows}, (_, row) => {
    const found = Array.from({length: train.rows}, (_, image) => ({
      image,
      square: squaredDistance(test, row, train, image),
    }))
      .filter(({image}) => !others || image !== row)
      .sort((a, b) => a.square - b.square || a.image - b.image)
      .slice(0, count);
    return {
      images: new Set(found.map(({image}) => image)),
      distance: found.reduce((sum, {square}) => sum + square, 0) / found.length,
    };
  });
}

function squaredDistance(a: Matrix, i: number, b: Matrix, j: number): number {
  let sum = 0;
  for (let k = 0; k < a.columns; k++) sum += (a.data[i * a.columns + k]! - b.data[j * b.columns + k]!) ** 2;
  return sum;
}
