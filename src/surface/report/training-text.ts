/** What is recorded of a training, and how its values are written; the page's script says them so, too. */

export const trainingFields = ['loss', 'accuracy', 'learningRate'] as const;
export type TrainingField = (typeof trainingFields)[number];

export const trainingNames: {readonly [field in TrainingField]: string} = {
  loss: 'loss',
  accuracy: 'accuracy',
  learningRate: 'learning rate',
};

/** An accuracy × 100; a loss with four digits, a learning rate with as many as tell it from its neighbours. */
export const trainingText = (field: TrainingField, value: number): string =>
  field === 'accuracy' ? (100 * value).toFixed(1) : String(Number(value.toPrecision(field === 'loss' ? 4 : 5)));
