/** What `localize` of type `places` asks of the learner's network and of the classifiers. */

import {clippedList, suggest} from '../../core/base/text.ts';
import type {PluginRef} from '../../core/contracts/definition.ts';
import type {Issue} from '../../core/plugin/check.ts';
import {networksOf, type Plugins} from '../../core/plugin/registry.ts';
import type {PlacesOfMaps} from './spec.ts';

interface Asked {
  readonly learner: PluginRef | undefined;
  readonly classifiers: readonly PluginRef[];
  readonly places: PlacesOfMaps;
}

/** Places need maps that the network has; a background that scores 0 needs scores that are never less. */
export function placesIssues(plugins: Plugins, {learner, classifiers, places}: Asked): readonly Issue[] {
  const {neighbourhood, foreground, density, turns, image, similar} = places;
  const issues: Issue[] = learner ? [...mapIssues(plugins, learner, places)] : [];
  const issue = (option: string, message: string, hint: string): void => {
    issues.push({path: ['localize', option], at: 'value', message, hint});
  };
  if ((places.layers as readonly string[] | undefined) === undefined)
    issues.push({
      path: ['localize'],
      at: 'value',
      message: '"localize" of type "places" needs "layers", the maps whose places are scored',
      hint: 'For example "layers: [stage2, stage3]" of a ResNet here, or names of tensors in the file of "pretrained".',
    });
  if (neighbourhood % 2 === 0)
    issue('neighbourhood', `a neighbourhood of ${neighbourhood} places has no middle`, 'Use an odd number, such as 3.');
  if (density === 'per-location' && (foreground !== undefined || turns > 1))
    issue(
      'density',
      `"${foreground === undefined ? 'turns' : 'foreground'}" moves places from image to image, so that a classifier at each place has no meaning`,
      'Use "density: shared".',
    );
  if (density === 'per-location' && image !== 'largest')
    issue('image', 'places with classifiers of their own have scores of different scales', 'Use "image: largest".');
  if (similar !== undefined) issues.push(...similarIssues(plugins, classifiers, places));
  for (const {type, layer, ...options} of classifiers) {
    const definition = plugins.find('classifier', type);
    const reads = definition?.layer ?? (layer === 'pool' ? undefined : layer);
    if (reads !== undefined && similar === undefined)
      issue(
        'type',
        `classifier "${type}" reads the layer "${reads}" of whole images, but places have the features of "localize.layers"`,
        `Remove ${definition?.layer === undefined ? 'its option "layer"' : 'the classifier'}.`,
      );
    if (foreground !== undefined && !definition?.nonNegative?.(options as never))
      issue(
        'foreground',
        `the background scores 0, and scores of classifier "${type}" may be negative`,
        'Use a classifier whose scores are never negative (knn, gde), or leave "foreground" out.',
      );
  }
  return issues;
}

/** Other places count for each image, so that a classifier must compare without being fitted first; its layer finds the images. */
function similarIssues(
  plugins: Plugins,
  classifiers: readonly PluginRef[],
  {density, turns, foreground, image}: PlacesOfMaps,
): readonly Issue[] {
  const [other] = [
    ...(density === 'per-location' ? ['density: per-location'] : []),
    ...(turns > 1 ? ['turns'] : []),
    ...(foreground === undefined ? [] : ['foreground']),
    ...(image === 'largest' ? [] : ['image']),
  ];
  const issue = (message: string, hint: string): Issue => ({path: ['localize', 'similar'], at: 'value', message, hint});
  const unable = classifiers.flatMap(({type, layer: _, ...options}): Issue[] => {
    const definition = plugins.find('classifier', type);
    return !definition || definition.compares?.(options as never)
      ? []
      : [
          issue(
            `"similar" compares each image with other training images, and classifier "${type}" with these options is fitted once for all`,
            'Use knn without "coreset" and "reweight", or leave "similar" out.',
          ),
        ];
  });
  return other === undefined
    ? unable
    : [...unable, issue(`"similar" and "${other}" do not go together`, 'Leave one of them out.')];
}

/** Maps and channels that the network does not have, where it says which it has; of `pretrained`, only its file does. */
function mapIssues(plugins: Plugins, learner: PluginRef, {layers, channels}: PlacesOfMaps): readonly Issue[] {
  const [network] = networksOf(plugins, learner);
  const known = network?.mapChannels;
  if (!known || (layers as readonly string[] | undefined) === undefined) return [];
  const unknown = layers.flatMap((layer, i): Issue[] =>
    Object.hasOwn(known, layer)
      ? []
      : [
          {
            path: ['localize', 'layers', i],
            at: 'value',
            message: `the network of learner "${learner.type}" has no map "${layer}"`,
            hint: suggest(layer, Object.keys(known), 'Its maps'),
          },
        ],
  );
  if (unknown.length > 0 || !channels) return unknown;
  const all = layers.reduce((sum, layer) => sum + known[layer]!, 0);
  const have = `${clippedList(layers)} ${layers.length === 1 ? 'has' : 'have together'} ${all} channels`;
  if ('random' in channels)
    return channels.random <= all
      ? []
      : [
          {
            path: ['localize', 'channels', 'random'],
            at: 'value',
            message: `${have}, but "channels" asks for ${channels.random} of them`,
            hint: `Use at most ${all}, or leave "channels" out for all.`,
          },
        ];
  return channels.flatMap((channel, i): Issue[] =>
    channel < all
      ? []
      : [
          {
            path: ['localize', 'channels', i],
            at: 'value',
            message: `${have}, but "channels" asks for number ${channel}`,
            hint: `Numbers are from 0 to ${all - 1}.`,
          },
        ],
  );
}
