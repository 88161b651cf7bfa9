/** What a threshold decides about images; the page's script asks the same. */

export interface Decided {
  /** Anomalous images at or above the threshold, and below it. */
  readonly found: number;
  readonly missed: number;
  /** Normal images at or above the threshold, and below it. */
  readonly alarms: number;
  readonly passed: number;
}

export function decide(scores: ArrayLike<number>, labels: ArrayLike<number>, threshold: number): Decided {
  const counts = {found: 0, missed: 0, alarms: 0, passed: 0};
  for (let i = 0; i < scores.length; i++) counts[outcomeOf(scores[i]!, labels[i] === 1, threshold)]++;
  return counts;
}

export const outcomeOf = (score: number, anomalous: boolean, threshold: number): keyof Decided =>
  anomalous ? (score >= threshold ? 'found' : 'missed') : score >= threshold ? 'alarms' : 'passed';
