/**
 * Parts of recipes that several kinds of stages have. A recipe is plain JSON with all options resolved (defaults filled). Beside a
 * reference to a plug-in stands its version, which is part of the key; a stage refuses to run if the installed plug-in has another
 * version.
 */
import type {PluginRef} from '../../core/contracts/definition.ts';
import {Type} from '../../core/plugin/type.ts';

/** A plug-in by name with its options. */
export const Plugin = Type.Unsafe<PluginRef>({type: 'object', required: ['type']});

export const PluginList = Type.Unsafe<readonly PluginRef[]>(Type.Array(Plugin));

/**
 * Kind and name of every plug-in that is used, such as `learner cutpaste` (there is also a transform with that name) → its version.
 */
export const Versions = Type.Unsafe<{readonly [plugin: string]: number}>(Type.Record(Type.String(), Type.Integer()));

/** Windows of images: side (`patch`) and distance (`stride`), in pixels. */
export const WindowsOfImages = Type.Object(
  {patch: Type.Integer(), stride: Type.Integer()},
  {additionalProperties: false},
);

/** A recipe has only the keys of its schema. */
export const strict = {additionalProperties: false} as const;

/** Places of a network's maps, which are joined (`joinedMaps`). */
export const PlacesOfImages = Type.Object(
  {
    layers: Type.Array(Type.String()),
    neighbourhood: Type.Integer({description: 'Side, in places.'}),
    channels: Type.Optional(
      Type.Union([
        Type.Array(Type.Integer(), {description: 'Their numbers among those of all layers.'}),
        Type.Object({random: Type.Integer(), seed: Type.Integer()}, strict),
      ]),
    ),
    turns: Type.Optional(Type.Integer({description: 'Copies of each image, turned by equal angles; absent: none.'})),
  },
  strict,
);

/** The parts that every stage with a learner needs. `versions`: versions of the learner and of the plug-ins inside it. */
export const learnerParts = {learner: Plugin, versions: Versions};
