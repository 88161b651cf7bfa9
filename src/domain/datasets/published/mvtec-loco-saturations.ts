/** Reads MVTec LOCO's `defects_config.json`: from which area on a defect of each kind counts as found (Bergmann et al. 2022, section 4). */
import {readFileSync} from 'node:fs';
import {DatasetError, whatCame} from '../dataset-error.ts';
import type {Enough} from '../readers/image-files.ts';

interface Kind {
  /** Of the marked pixels in the masks of this kind. */
  readonly pixel_value: number;
  /** In pixels of the published image, or a share of the defect. */
  readonly saturation_threshold: number;
  readonly relative_saturation: boolean;
}

const remedy = 'Unpack the published archive again.';

/** Throws a `DatasetError` where the file is not as published, and, later, for a mask of a value that the file does not have. */
export function readSaturations(path: string): Enough {
  const kinds = new Map(kindsOf(path).map((kind) => [kind.pixel_value, kind]));
  return (mask, value, area) => {
    const kind = kinds.get(value);
    if (!kind) {
      const known = [...kinds.keys()].sort((a, b) => a - b).join(', ');
      throw new DatasetError(mask, `a value of ${path} (${known})`, `its highest is ${value}`, remedy);
    }
    const {saturation_threshold: threshold, relative_saturation: isRelative} = kind;
    return Math.min(1, isRelative ? threshold : threshold / area);
  };
}

function kindsOf(path: string): readonly Kind[] {
  const wrong = (came: string): DatasetError =>
    new DatasetError(path, 'a list of pixel_value, saturation_threshold and relative_saturation', came, remedy);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const came = error instanceof SyntaxError ? 'it is not JSON' : whatCame(error);
    throw came === undefined ? error : wrong(came);
  }
  if (!Array.isArray(value) || value.length === 0) throw wrong('it is not a list, or empty');
  const strange = value.findIndex((kind) => !isKind(kind));
  if (strange >= 0) throw wrong(`entry ${strange} is ${JSON.stringify(value[strange]).slice(0, 80)}`);
  return value as readonly Kind[];
}

function isKind(value: unknown): value is Kind {
  const kind = value as Partial<Kind> | null;
  return (
    Number.isInteger(kind?.pixel_value) &&
    Number(kind!.saturation_threshold) > 0 &&
    typeof kind!.saturation_threshold === 'number' &&
    typeof kind!.relative_saturation === 'boolean'
  );
}
