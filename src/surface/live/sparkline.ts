const levels = '▁▂▃▄▅▆▇█';

/** A curve in at most `width` characters, each the mean of its part: `█▆▄▂▁`. NaN is left out. */
export function sparkline(values: readonly number[], width: number): string {
  const finite = values.filter(Number.isFinite);
  const count = Math.min(width, finite.length);
  const points = Array.from({length: count}, (_, at) => {
    const part = finite.slice(Math.floor((at * finite.length) / count), Math.floor(((at + 1) * finite.length) / count));
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
  const low = Math.min(...points);
  const range = Math.max(...points) - low || 1;
  return points.map((value) => levels[Math.round(((value - low) / range) * (levels.length - 1))]).join('');
}
