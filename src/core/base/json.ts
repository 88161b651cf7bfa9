/** JSON, and what people read of it. */
import type {Json} from './canonical.ts';

/** JSON as it is printed: numbers that it does not have are their names as text, not null. */
export const jsonText = (value: unknown): string =>
  JSON.stringify(
    value,
    (_, item: unknown) => (typeof item === 'number' && !Number.isFinite(item) ? String(item) : item),
    2,
  );

/** For people, in the flow style of YAML, as specs are written: `{type: oc-svm, nu: 0.2}`. */
export function flowText(value: Json): string {
  if (typeof value === 'string') return plain.test(value) && !words.test(value) ? value : JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(flowText).join(', ')}]`;
  if (value === null || typeof value !== 'object') return String(value);
  return `{${Object.entries(value)
    .map(([key, item]) => `${flowText(key)}: ${flowText(item ?? null)}`)
    .join(', ')}}`;
}

/** Without quotes, they stay texts, unless they are one of these words. */
const plain = /^(--?)?[A-Za-z_/][\w.@%+=/-]*$/;
const words = /^(true|false|null|yes|no|on|off)$/i;
