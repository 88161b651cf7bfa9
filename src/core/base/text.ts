/** Words and numbers for people: did-you-mean, lists, durations, bytes. */

/** The known name that was most likely meant; undefined if none is similar. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  const wanted = fold(name);
  let best: string | undefined;
  // A third of the letters may be wrong, and always at least one: "kd" still finds "kde", "foo" does not find "kde".
  let limit = Math.max(1, Math.floor(wanted.length / 3));
  for (const candidate of known) {
    const distance = editDistance(wanted, fold(candidate));
    if (distance < limit || (distance === limit && best === undefined)) {
      best = candidate;
      limit = distance;
    }
  }
  return best;
}

/** `Did you mean "auc"?`, or the list of known names if none is similar. */
export function suggest(name: string, known: readonly string[], intro: string): string {
  const meant = nearest(name, known);
  return meant === undefined ? `${intro}: ${clippedList(known)}.` : `Did you mean "${meant}"?`;
}

/** Order of texts by code unit: the same in every language. */
export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** `a, b, c`, and after `most` of them `… and 12 more`. */
export function clippedList(items: readonly string[], most = 24): string {
  if (items.length === 0) return '(none)';
  if (items.length <= most) return items.join(', ');
  return `${items.slice(0, most).join(', ')} … and ${items.length - most} more`;
}

/** `"a"`, `"a" or "b"`, `"a", "b" or "c"`. */
export function choice(items: readonly string[]): string {
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(', ')} or ${items.at(-1)}`;
}

/** `1 file`, `2 files`. */
export const plural = (number: number, noun: string, many = `${noun}s`): string =>
  `${count(number)} ${number === 1 ? noun : many}`;

/** Integer with a comma every three digits, in every locale. */
export const count = (integer: number): string => String(integer).replace(/\B(?=(\d{3})+(?!\d))/g, ',');

/** A share in [0, 1] as a percentage: `95 %`, `99.5 %`. */
export const percent = (share: number): string => `${Number((100 * share).toPrecision(6))} %`;

/** Seconds, below 0 (a clock was set back) as 0 → `0.42 s`, `9.3 s`, `42 s`, `3 min 05 s`, `2 h 07 min`, `3 d 04 h`. */
export function duration(measured: number): string {
  if (!Number.isFinite(measured)) return '?';
  const seconds = Math.max(0, measured);
  if (seconds < 0.995) return `${seconds.toFixed(2)} s`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
  const hours = Math.round(seconds / 3600);
  return `${Math.floor(hours / 24)} d ${two(hours % 24)} h`;
}

/** `2026-01-01T08:30:12.345Z` → `2026-01-01 08:30 UTC`: the same in every time zone, as the ids of runs are. */
export const dateText = (iso: string): string => `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;

/** Seconds to come → `less than a minute`, `about 12 min`, `about 45 min`, `about 2.5 h`, `about 3 days`: as exact as a guess is. */
export function roughly(seconds: number): string {
  const minutes = seconds / 60;
  const to = (step: number, value: number): number => step * Math.round(value / step);
  if (minutes < 1) return 'less than a minute';
  if (minutes < 57.5) return `about ${to(minutes < 20 ? 1 : 5, minutes)} min`;
  if (minutes < 47.5 * 60) return `about ${to(minutes < 600 ? 0.5 : 1, minutes / 60)} h`;
  return `about ${to(minutes < 5 * 1440 ? 0.5 : 1, minutes / 1440)} days`;
}

/** Bytes → `512 B`, `1.5 kB`, `30 MB`, `2.1 GB`: powers of 1000, as disks are sold. */
export function bytes(size: number): string {
  if (!Number.isFinite(size)) return '?';
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = size;
  let unit = 0;
  // 999.5 would be printed as 1000.
  while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || Math.abs(value) >= 9.95 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** A word of a command line as a shell takes it. */
export const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

const two = (value: number): string => String(value).padStart(2, '0');

// People mix up case, "-" and "_"; these should not count as mistakes.
const fold = (name: string): string => name.toLowerCase().replaceAll(/[_\s]/g, '-');

/** Damerau-Levenshtein (adjacent swaps count once), over UTF-16 units; long texts are cut, because they are not typing mistakes. */
export function editDistance(left: string, right: string): number {
  const a = left.slice(0, 64);
  const b = right.slice(0, 64);
  let beforeLast: number[] = [];
  let last = Array.from({length: b.length + 1}, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cost = Math.min(replaced, last[j]! + 1, row[j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, beforeLast[j - 2]! + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
