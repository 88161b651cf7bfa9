/** Questions to the results that are ready to be asked. */

export const questions: readonly (readonly [name: string, sql: string])[] = [
  [
    'the best numbers',
    'from comparison select dataset, inlier, learner, classifier, metric, ours, paper order by ours desc limit 20',
  ],
  [
    'means over classes beside the papers',
    'from comparison_mean select dataset, paper_row, classifier, metric, ours, sd, paper, difference, verdict order by dataset, metric, ours desc',
  ],
  [
    'farthest below the papers',
    'from comparison select dataset, inlier, paper_row, classifier, metric, ours, paper, difference, n where difference < 0 order by difference limit 20',
  ],
  [
    'each seed of the latest run',
    "from metrics join tasks using (run, task) select inlier, seed, paper_row, classifier, metric, value where part = 'test' and run = (select max(run) from runs) order by metric, inlier, paper_row, classifier, seed",
  ],
  [
    'each kind of anomaly',
    "from kinds join tasks using (run, task) select dataset, inlier, kind, classifier, metric, avg(value) as value, any_value(images) as images where part = 'test' group by all order by value",
  ],
  [
    'validation beside test',
    "from metrics join tasks using (run, task) select run, inlier, paper_row, classifier, metric, avg(value) filter (part = 'validation') as validation, avg(value) filter (part = 'test') as test group by all having validation is not null",
  ],
  [
    'where the time went',
    "from stages select kind, count(*) as stages, sum(seconds) as seconds where status = 'computed' group by kind order by seconds desc",
  ],
  [
    'the slowest stages',
    "from stages select run, label, seconds, peak_memory, engine where status = 'computed' order by seconds desc limit 20",
  ],
  ['failures', "from stages select run, label, message where status = 'failed'"],
  [
    'runs a day',
    'from runs select started[:10] as day, count(*) as runs, sum(tasks) as tasks, sum(seconds) as seconds group by day order by day desc',
  ],
];
