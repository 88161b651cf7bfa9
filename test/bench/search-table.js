/** What search.js and the test of proposals share: runs of a method, quartiles, and the table of docs/explanation/search.md. */

export const budgets = [10, 20, 50];

/** The smallest regret after each trial of a search in which each trial is finished before the next is proposed. */
export function regretsOf(propose, regret) {
  const known = [];
  const smallest = [];
  for (let number = 0; number < Math.max(...budgets); number++) {
    const point = propose(number, known);
    const value = regret(point);
    known.push({number, point, outcome: -value});
    smallest.push(Math.min(value, smallest.at(-1) ?? Number.POSITIVE_INFINITY));
  }
  return smallest;
}

/** After each budget, over all runs: the quartiles, linear between two runs. */
export const quartilesAt = (runs) =>
  Object.fromEntries(
    budgets.map((budget) => {
      const sorted = runs.map((run) => run[budget - 1]).sort((a, b) => a - b);
      const at = (share) => {
        const place = share * (sorted.length - 1);
        const low = Math.floor(place);
        return sorted[low] + (place - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
      };
      return [budget, [0.25, 0.5, 0.75].map((share) => Number(at(share).toPrecision(6)))];
    }),
  );

/** Markdown: the median, and the quartiles in brackets. Of Optuna's samplers, at each number the best of all. */
export function table(ours, optuna, what = 'function') {
  const rows = Object.entries(ours).flatMap(([name, methods]) =>
    budgets.map((budget) => {
      const {random, ...samplers} = optuna[name];
      const best = [0, 1, 2].map((k) => Math.min(...Object.values(samplers).map((sampler) => sampler[budget][k])));
      const cells = [methods.tpe[budget], best, methods['quasi-random'][budget], random[budget]].map(cell);
      return `| ${budget === budgets[0] ? name : ''} | ${budget} | ${cells.join(' | ')} |`;
    }),
  );
  const head = `| ${what} | trials | \`tpe\` | Optuna TPE | \`quasi-random\` | Optuna random |`;
  return `${[head, '| --- | --: | --- | --- | --- | --- |', ...rows].join('\n')}\n`;
}

/** Markdown, in TFLOP. Null: not within the trials. */
export function pflopTable(found) {
  const text = (values) => {
    const [low, middle, high] = values.map((one) =>
      one === null ? 'never' : String(Number((1000 * one).toPrecision(2))),
    );
    return `${middle} (${low}–${high})`;
  };
  const rows = Object.entries(found).flatMap(([objective, goals]) =>
    Object.values(goals).map(({regret, ...spent}, k) => {
      const cells = [k === 0 ? objective : '', Number(regret.toPrecision(2)), ...Object.values(spent).map(text)];
      return `| ${cells.join(' | ')} |`;
    }),
  );
  const head = '| value | regret | `tpe`, 16 settings | `tpe`, 1 setting | Optuna TPE, cached | Optuna TPE |';
  return `${[head, '| --- | --: | --- | --- | --- | --- |', ...rows].join('\n')}\n`;
}

const cell = ([low, middle, high]) => `${short(middle)} (${short(low)}–${short(high)})`;

const short = (value) => (value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(2))));
