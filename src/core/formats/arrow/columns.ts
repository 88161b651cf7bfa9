/**
 * The columns of every kind of Arrow file, each named and described once. Names, types and metadata are what a reader in
 * another language sees (`pyarrow.ipc.open_file`, DuckDB, polars): images and features carry Arrow's canonical extension
 * type `arrow.fixed_shape_tensor`.
 */

export type ColumnType =
  | 'int32'
  | 'float64'
  | 'utf8'
  /** A value of one shape a row, row-major: `values` holds all rows one after the other. */
  | {readonly tensor: 'uint8' | 'float32'; readonly shape: readonly number[]}
  /** Values of any number a row. */
  | {readonly list: 'int32' | 'float32'};

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly description: string;
  /** float64 only: NaN is stored as null. */
  readonly nullable?: true;
}

/** What a file is: kept in its metadata as `pipeline.table`, so that one is not mistaken for another. */
export type TableKind = 'images' | 'maps' | 'features' | 'scores' | 'arrays' | 'curve' | 'metrics';

/** Metadata key of the class names, a JSON array. */
export const classNamesKey = 'classes';

/** Metadata key of features of places: height and width of each image's grid, a JSON array. */
export const gridKey = 'grid';

const classColumn: Column = {
  name: 'class',
  type: 'int32',
  description: 'Index into the metadata field "classes".',
};

export const imageColumns = (
  shape: readonly number[],
  {masks, regions}: {readonly masks: boolean; readonly regions: boolean},
): readonly Column[] => [
  {name: 'pixels', type: {tensor: 'uint8', shape}, description: 'One image: height, width, channels (RGB or grey).'},
  classColumn,
  ...(masks
    ? [
        {
          name: 'mask',
          type: {tensor: 'uint8', shape: shape.slice(0, 2)},
          description: '1 where it is defective.',
        } as const,
      ]
    : []),
  ...(regions
    ? [
        {
          name: 'regions',
          type: {list: 'int32'},
          description:
            'Its defects one after the other: the share of pixels that is enough, in billionths; the number of runs; start and length of each run.',
        } as const,
      ]
    : []),
];

export const mapColumns = (shape: readonly number[]): readonly Column[] => [
  {
    name: 'map',
    type: {tensor: 'float32', shape},
    description: 'Score of every pixel: height, width; higher = more anomalous.',
  },
  classColumn,
];

export const featureColumns = (width: number): readonly Column[] => [
  {name: 'feature', type: {tensor: 'float32', shape: [width]}, description: 'Output of one layer for one image.'},
  classColumn,
];

export const scoreColumns: readonly Column[] = [
  {name: 'score', type: 'float64', description: 'Higher = more anomalous; raw, neither clamped nor scaled.'},
  classColumn,
];

export const arrayColumns: readonly Column[] = [
  {name: 'name', type: 'utf8', description: 'Name of the array, unique.'},
  {name: 'shape', type: {list: 'int32'}, description: 'Lengths of its axes; empty = a scalar.'},
  {name: 'data', type: {list: 'float32'}, description: 'Values in row-major order.'},
];

export const curveColumns: readonly Column[] = [
  {name: 'epoch', type: 'int32', description: 'From 0.'},
  {name: 'loss', type: 'float64', description: 'Mean over the epoch.'},
  {name: 'accuracy', type: 'float64', description: 'Of the proxy task, in [0, 1]; null without one.', nullable: true},
  {name: 'learning_rate', type: 'float64', description: 'Of the first step of the epoch.'},
];

export const metricColumns: readonly Column[] = [
  {name: 'metric', type: 'utf8', description: 'Name of the metric.'},
  {name: 'value', type: 'float64', description: 'Null where undefined (one class only).', nullable: true},
];
