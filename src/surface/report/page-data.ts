/** What a page's script gets, once, as JSON. */
import type {TrainingField} from './training-text.ts';

export interface PageData {
  /** Of the rows of the table of results: what they belong to, by name a value for each row. */
  readonly groups: {readonly [name: string]: readonly string[]};
  /** Test images, each dataset's once. */
  readonly pictures: readonly PictureData[];
  /** One for each task that is looked at closely; null: it has no scores. */
  readonly explorers: readonly (ExplorerData | null)[];
  /** null: nothing trained. */
  readonly training: TrainingData | null;
}

export interface TrainingData {
  /** Of each training. */
  readonly names: readonly string[];
  /** Its dataset, method, class and seed. */
  readonly of: readonly {readonly [facet: string]: string}[];
  /** A chart each, whose marks with a title are the bands and then the lines, in this order. */
  readonly panels: readonly TrainingPanel[];
  /** Epochs, from 1, that lines have values of. */
  readonly epochs: readonly (readonly number[])[];
}

export interface TrainingPanel {
  readonly field: TrainingField;
  /** The method of each band. */
  readonly bands: readonly string[];
  readonly lines: readonly TrainingLine[];
}

export interface TrainingLine {
  /** Indices of the trainings that have these values. */
  readonly of: readonly number[];
  /** Index into `epochs`. */
  readonly epochs: number;
  readonly values: readonly number[];
}

/** Pictures of test images on sheets, `columns` × `rows` on each, in the order of `images`. */
export interface PictureData {
  /** Class of the sheets in the style sheet: sheet k is `<style>-<k>`. */
  readonly style: string;
  readonly columns: number;
  readonly rows: number;
  /** Of a picture, in pixels. */
  readonly width: number;
  readonly height: number;
  /** Places, among all test images, of those that have a picture; ascending. */
  readonly images: readonly number[];
  /** File name of each picture; absent: not known. */
  readonly files?: readonly string[];
  /** SVG paths of the outlines of masks, by place, in a square of 100 × 100. */
  readonly outlines?: {readonly [image: number]: string};
}

export interface ExplorerData {
  /** Index into `pictures`; null: there are none. */
  readonly pictures: number | null;
  /** Names of what an image can be: a class or a kind of defect. */
  readonly kinds: readonly string[];
  /** Base64: index into `kinds` of each test image, a byte or two (little end first) if there are more than 256. */
  readonly kind: string;
  /** Whether each kind is anomalous. */
  readonly anomalous: readonly boolean[];
  /** The first of the task's; those that the page has no room for are not here. */
  readonly classifiers: readonly ClassifierData[];
  /** Says that classifiers are missing. */
  readonly without?: string;
  /** Absent: there is no map of its features. */
  readonly embedding?: EmbeddingData;
}

/** The points of a map of features, in the order of its marks. */
export interface EmbeddingData {
  /** Places of their test images. */
  readonly images: readonly number[];
  /** Points of training images, after those. */
  readonly training: number;
  /** After those, copy by copy, a point for each of these test images under it. */
  readonly copies?: {readonly names: readonly string[]; readonly images: readonly number[]};
}

export interface ClassifierData {
  readonly name: string;
  /** Base64: of each test image its score as a float32, highest byte first. */
  readonly scores: string;
  /** Number of images below the threshold that the page begins with. */
  readonly below: number;
  /** Class of the sheets of its heat maps, laid out as the pictures; absent: it makes none. */
  readonly maps?: string;
}

/** As the content of a `script` element: no text in it can end that. */
export const pageDataText = (data: PageData): string => JSON.stringify(data).replaceAll('<', '\\u003c');
