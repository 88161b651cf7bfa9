/**
 * A number of ours matches the paper's if they differ by at most max(1.0 point, two standard deviations). The deviation is the
 * paper's (CutPaste's standard errors times √5), so that noise in our number does not make a match; it is ours only if the paper
 * prints none. With a mean over k classes, the average of the classes' deviations is given; the deviation of the mean itself is √k
 * times smaller (docs/paper-notes.md 13.3). A number is below chance if it is more than two of its standard errors below one half.
 * The rules are written twice, side by side: in TypeScript and in SQL.
 */
import {paperSeeds} from './baselines.ts';

export type Verdict = 'matches' | 'above' | 'below' | 'below chance';

export interface Judged {
  readonly metric: string;
  /** In [0, 1], as are `sd`, `error`, `paper` and `paperSpread`. */
  readonly ours: number | null;
  readonly sd: number | null;
  /** Number of classes that the numbers are the mean of. */
  readonly classes: number;
  /** Standard error of `ours`; null: not known. */
  readonly error: number | null;
  readonly paper: number | null;
  readonly paperSpread: number | null;
  readonly paperSpreadKind: 'sd' | 'se' | '' | null;
}

/** null: nothing to compare with. */
export function verdictOf({
  metric,
  ours,
  sd,
  classes,
  error,
  paper,
  paperSpread,
  paperSpreadKind,
}: Judged): Verdict | null {
  if (ours === null || !Number.isFinite(ours)) return null;
  if (areas.includes(metric) && error !== null && ours + 2 * error < 0.5) return 'below chance';
  if (paper === null) return null;
  const paperSd = paperSpread === null || paperSpreadKind !== 'se' ? paperSpread : paperSpread * Math.sqrt(paperSeeds);
  const tolerance = Math.max(0.01, (2 * (paperSd ?? sd ?? 0)) / Math.sqrt(classes));
  if (Math.abs(ours - paper) <= tolerance + rounding) return 'matches';
  return ours > paper ? 'above' : 'below';
}

/** Metrics for which random scores get one half. */
const areas = ['auc', 'pixel-auc'];
/** A difference of exactly one point is a match, although decimals are not exact in binary. */
const rounding = 1e-9;

export const verdictMacros = `
create or replace macro tolerance_of(sd, paper_sd, paper_kind, classes) as greatest(0.01,
  2 * coalesce(case paper_kind when 'se' then paper_sd * sqrt(${paperSeeds}) else paper_sd end, sd, 0) / sqrt(classes));
-- Standard error over seeds; for one seed, that of the area under the ROC curve of random scores of as many images (Mann and Whitney 1947).
create or replace macro chance_error(sd, n, normal, anomalous) as case
  when n > 1 then sd / sqrt(n)
  when normal > 0 and anomalous > 0 then sqrt((normal + anomalous + 1) / (12.0 * normal * anomalous)) end;
create or replace macro verdict_of(metric, ours, error, paper, tolerance) as case
  when ours is null or not isfinite(ours) then null
  when metric in (${areas.map((area) => `'${area}'`)}) and ours + 2 * error < 0.5 then 'below chance'
  when paper is null then null
  when abs(ours - paper) <= tolerance + ${rounding} then 'matches'
  when ours > paper then 'above'
  else 'below' end;`;
