/** Plug-ins of the feed's tests: JavaScript, since the feed's threads import them under plain Node. */

const noOptions = {type: 'object', properties: {}};

/** Adds one number drawn for the whole image. */
const shift = {
  kind: 'transform',
  name: 'shift',
  version: 1,
  summary: 'Adds a random number.',
  options: noOptions,
  create: () => ({
    apply: (image, rng) => {
      const by = rng.uniform();
      return {...image, data: image.data.map((value) => value + by)};
    },
  }),
};

/** Makes image i look like image i + 10. */
const ten = {
  ...shift,
  name: 'ten',
  create: () => ({apply: (image) => ({...image, data: image.data.map((value) => value + 10 / 255)})}),
};

const learner = (name, views) => ({
  kind: 'learner',
  name,
  version: 1,
  summary: name,
  layers: ['pool'],
  trains: true,
  augment: [],
  options: noOptions,
  row: () => name,
  create: (options) => ({
    fit: () => Promise.reject(new Error('not here')),
    encoder: () => {
      throw new Error('not here');
    },
    ...(views && {views: views(options)}),
  }),
});

/** The image as it is, and a draw of the augmentation. */
const pair = learner('pair', () => (image, augment, rng) => [image, augment(image, rng)]);

/** Fails on every image whose first pixel is `value` / 255. */
const picky = learner('picky', ({value}) => (image) => {
  if (Math.round(image.data[0] * 255) === value) throw new Error(`can't stand ${value}`);
  return [image];
});

/** Ends its thread on the image whose first pixel is `value` / 255. */
const leaver = learner('leaver', ({value}) => (image) => {
  if (Math.round(image.data[0] * 255) === value) process.exit(3);
  return [image];
});

/** The upper left corner; of another size for the image whose first pixel is 9 / 255. */
const fickle = learner('fickle', () => (image) => {
  const side = Math.round(image.data[0] * 255) === 9 ? 1 : 2;
  return [{height: side, width: side, channels: 3, data: new Float32Array(side * side * 3)}];
});

const untrained = learner('untrained', undefined);

export const plugins = [shift, ten, pair, picky, leaver, fickle, untrained];
