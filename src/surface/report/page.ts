/** A run's page: one file that needs no other. */
import {createHash} from 'node:crypto';
import {html, type Markup, raw, scriptElement} from '../html.ts';
import {answerView} from './answer.ts';
import {fitScores, mostBytes} from './budget.ts';
import {classesSection} from './classes.ts';
import {closeUpsSection, isShown} from './close-ups.ts';
import {comparisonSection, groupsOf} from './comparison.ts';
import {configurationKeys} from './configuration-keys.ts';
import {curvesSection} from './curves.ts';
import {explorerData} from './explorer.ts';
import {head, troubles} from './head.ts';
import {type PageData, pageDataText} from './page-data.ts';
import {provenanceSection} from './provenance.ts';
import type {ReportData} from './report-data.ts';
import {reportStyle} from './report-style.ts';
import {script} from './script.ts';
import {searchSection} from './search.ts';
import {sideBySideSection} from './side-by-side.ts';
import {baseStyle} from './style.ts';
import {sweepsSection} from './sweep-figures.ts';
import {timelineSection} from './timeline.ts';
import {trainingData, trainingSection} from './training.ts';

/** What a report is made of; sections of which the run has nothing are left out. */
export interface ReportParts {
  /** What came out, in a sentence. */
  readonly answer: string;
  readonly sections: readonly {readonly id: string; readonly title: string; readonly html: string}[];
  /** Rules with the pictures of test images. */
  readonly styles: string;
  /** For the page's script: `PageData` as JSON that may stand in a page. */
  readonly content: string;
}

export async function reportParts(data: ReportData): Promise<ReportParts> {
  const {
    answers,
    comparison,
    seeds,
    trainings,
    sweeps,
    curves,
    searched,
    closeUps,
    sideBySide,
    pictures,
    timeline,
    provenance,
    record,
    report,
  } = data;
  const wrong = troubles(data);
  const sections: readonly (readonly [id: string, title: string, body: Markup | undefined])[] = [
    ['troubles', wrong?.title ?? '', wrong?.body],
    ['classes', 'Class by class', comparison && (await classesSection(comparison, answers))],
    ['search', 'Search', searched && (await searchSection(searched))],
    ['comparison', 'Results', comparison && comparisonSection(comparison, seeds, configurationKeys(sweeps, searched))],
    ['sweeps', 'Options of the matrix', await sweepsSection(sweeps)],
    ['curves', 'Along an option', await curvesSection(curves)],
    ['training', 'Training', await trainingSection(trainings)],
    ['tasks', 'Tasks', await closeUpsSection(closeUps, pictures, record)],
    ['maps', 'Maps side by side', sideBySideSection(sideBySide)],
    ['timeline', 'Timeline', await timelineSection(timeline, record, report)],
    ['provenance', 'Provenance', provenanceSection(provenance, data)],
  ];
  const made = sections.flatMap(([id, title, body]) => (body === undefined ? [] : [{id, title, html: body.text}]));
  const own: PageData = {
    groups: comparison ? groupsOf(comparison) : {},
    pictures: pictures.sets.map(({data}) => data),
    explorers: closeUps
      .filter(isShown)
      .map((closeUp) => (closeUp.scored.length > 0 ? explorerData(closeUp, pictures) : null)),
    training: trainingData(trainings),
  };
  const {explorers} = own;
  const bare = {...own, explorers: explorers.map((one) => one && {...one, classifiers: []})};
  const others = [
    pageDataText(bare),
    pictures.styles,
    baseStyle,
    reportStyle,
    script(),
    ...made.map((one) => one.html),
  ];
  const room = mostBytes - frame - others.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  return {
    answer: answerView(answers).text,
    sections: made,
    styles: pictures.styles,
    content: pageDataText({...own, explorers: fitScores(explorers, room, record.id)}),
  };
}

/** Bytes of a page's head, and of what tells of scores that are not there: ample. */
const frame = 20e3;

/** The report as HTML. */
export async function reportPage(data: ReportData): Promise<string> {
  const {record} = data;
  const {sections, styles, content} = await reportParts(data);
  const code = script();
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policyOf(code)}">
<title>${record.name}: ${record.id}</title>
<style>${raw(baseStyle + reportStyle + styles)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the results</a>
${head(data)}
<nav aria-label="Sections"><ul>${sections.map(({id, title}) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
<main id="main" tabindex="-1">
${sections.map(
  ({
    id,
    title,
    html: body,
  }) => html`<section class="sheet" id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>
${raw(body)}</section>
`,
)}</main>
${scriptElement(content, raw(' type="application/json" id="page-data"'))}
${scriptElement(code)}
</body>
</html>
`;
  return page.text;
}

/** The page needs nothing else; this policy tells the browser so, and allows only the page's own script. */
const policyOf = (code: string): string =>
  [
    "default-src 'none'",
    "style-src 'unsafe-inline'",
    'img-src data:',
    `script-src 'sha256-${createHash('sha256').update(code).digest('base64')}'`,
  ].join('; ');
