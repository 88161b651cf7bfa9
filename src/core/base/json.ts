/** JSON as it is printed: numbers that it does not have are their names as text, not null. */
export const jsonText = (value: unknown): string =>
  JSON.stringify(
    value,
    (_, item: unknown) => (typeof item === 'number' && !Number.isFinite(item) ? String(item) : item),
    2,
  );
