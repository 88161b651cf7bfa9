/** Where a picture lies on its sheets; the page's script asks the same. */
import type {PictureData} from './page-data.ts';

export interface Slot {
  /** Classes of the element that shows it. */
  readonly classes: string;
  /** Of its background. */
  readonly position: string;
}

/** `style`: of the pictures, or of heat maps that are laid out as they are. */
export function slotOf({columns, rows}: Pick<PictureData, 'columns' | 'rows'>, style: string, place: number): Slot {
  const each = columns * rows;
  const at = place % each;
  const part = (index: number, count: number): string => `${count > 1 ? (100 * index) / (count - 1) : 0}%`;
  return {
    classes: `pic ${style} ${style}-${Math.floor(place / each)}`,
    position: `${part(at % columns, columns)} ${part(Math.floor(at / columns), rows)}`,
  };
}
