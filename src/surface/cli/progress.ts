/** Lines for a long preparation: each step once, its share in tenths, so that a log of it stays short. */
export function stepReporter(
  say: (line: string) => void,
): (progress: {readonly step: string; readonly fraction?: number}) => void {
  let last = '';
  return ({step, fraction}) => {
    const text = fraction === undefined ? step : `${step}: ${10 * Math.floor(fraction * 10)} %`;
    if (text !== last) say(text);
    last = text;
  };
}
