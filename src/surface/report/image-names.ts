/** What a task's test images are called, by their places. */
import type {CloseUp} from './close-up.ts';
import type {Scored} from './scores.ts';

export interface ImageNames {
  /** Its class, or the folder of its kind of defect. */
  readonly kind: (image: number) => string;
  /** Its file, as far as that is known. */
  readonly file: (image: number) => string;
  readonly truth: (image: number) => 'normal' | 'anomalous';
}

export function imageNames({images}: Pick<CloseUp, 'images'>, {classes, classNames, labels}: Scored): ImageNames {
  const kind = (image: number): string => images?.files?.folders[image] ?? classNames[classes[image]!]!;
  return {
    kind,
    file: (image) => images?.files?.names[image] ?? `${kind(image)} no. ${image}`,
    truth: (image) => (labels[image] === 1 ? 'anomalous' : 'normal'),
  };
}
