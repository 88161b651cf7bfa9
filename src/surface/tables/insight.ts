/** What a search says of its parameters, in words and as a table. */
import {plural} from '../../core/base/text.ts';
import {type BestValues, type Insight, isTooFew, type TooFew} from '../../pipeline/search/insight.ts';
import {valueText} from '../../pipeline/search/words.ts';
import {type Screen, terminalTable} from './table.ts';
import type {TextTable} from './text-table.ts';

/** `names`: of each path, short. */
export function formatInsight(insight: Insight | TooFew, names: (parameter: string) => string, screen: Screen): string {
  if (isTooFew(insight)) return tooFewText(insight);
  const {configurations, interaction} = insight;
  return [
    `What mattered, by ${plural(configurations, 'configuration')} that were trained to the end:`,
    terminalTable(insightTable(insight, names), screen.columns, screen.paint),
    [...(interaction ? [interactionText(interaction, names)] : []), ...insightNotes].join('\n'),
  ].join('\n\n');
}

export const tooFewText = ({of, needed, have}: TooFew): string =>
  `Which parameters matter: not computed. It needs ${needed} ${of} that ran to their end, 10 for each parameter; this search has ${have}.`;

export const insightTable = ({parameters}: Insight, names: (parameter: string) => string): TextTable => ({
  columns: [
    {name: 'parameter', align: 'left'},
    {name: 'importance', align: 'right'},
    {name: 'best values', align: 'left'},
  ],
  rows: parameters.map(({name, share, best}) => [names(name), shareText(share), valuesText(best)]),
  lead: 1,
});

export const insightNotes: readonly string[] = [
  'importance: the share of the variance that this parameter explains alone (functional ANOVA), ± over the trees of the forest',
  'best values: with them the mean over all other parameters is within one deviation of the best',
];

export const interactionText = (
  {parameters: [a, b], share}: NonNullable<Insight['interaction']>,
  names: (parameter: string) => string,
): string => `strongest interaction: ${names(a)} with ${names(b)}, ${shareText(share)} beyond what each explains alone`;

export const shareText = ({mean, deviation}: {readonly mean: number; readonly deviation: number}): string =>
  `${(100 * mean).toFixed(0)} % ± ${(100 * deviation).toFixed(0)}`;

const valuesText = (best: BestValues): string =>
  'values' in best
    ? best.values.map(valueText).join(', ')
    : best.from === best.to
      ? shortNumber(best.from)
      : `${shortNumber(best.from)} to ${shortNumber(best.to)}`;

/** Three digits: the grid of the response is no finer. */
export const shortNumber = (value: number): string =>
  Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(3)));
