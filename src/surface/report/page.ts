/** A run's page: one file that needs no other. */
import {createHash} from 'node:crypto';
import {html, type Markup, raw} from '../html.ts';
import {classesSection} from './classes.ts';
import {closeUpsSection} from './close-ups.ts';
import {comparisonSection} from './comparison.ts';
import {curvesSection} from './curves.ts';
import {head, troubles} from './head.ts';
import {provenanceSection} from './provenance.ts';
import type {ReportData} from './report-data.ts';
import {reportStyle} from './report-style.ts';
import {script} from './script.ts';
import {searchSection} from './search.ts';
import {sideBySideSection} from './side-by-side.ts';
import {baseStyle} from './style.ts';
import {sweepsSection} from './sweeps.ts';
import {timelineSection} from './timeline.ts';
import {trainingSection} from './training.ts';

/** HTML; sections of which the run has nothing are left out. */
export async function reportPage(data: ReportData): Promise<string> {
  const {
    comparison,
    seeds,
    trainings,
    sweeps,
    curves,
    searched,
    closeUps,
    sideBySide,
    timeline,
    provenance,
    record,
    report,
    source,
  } = data;
  const wrong = troubles(data);
  const sections: readonly (readonly [id: string, title: string, body: Markup | undefined])[] = [
    ['troubles', wrong?.title ?? '', wrong?.body],
    ['search', 'Search', searched && (await searchSection(searched))],
    ['comparison', 'Results', comparison && comparisonSection(comparison, seeds)],
    ['classes', 'Class by class', comparison && (await classesSection(comparison))],
    ['sweeps', 'Options of the matrix', await sweepsSection(sweeps)],
    ['curves', 'Along an option', await curvesSection(curves)],
    ['training', 'Training', await trainingSection(trainings)],
    ['tasks', 'Tasks', await closeUpsSection(closeUps, record)],
    ['maps', 'Maps side by side', sideBySideSection(sideBySide)],
    ['timeline', 'Timeline', await timelineSection(timeline, record, report)],
    ['provenance', 'Provenance', provenanceSection(provenance, record, source)],
  ];
  const shown = sections.filter(([, , body]) => body !== undefined);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${record.name}: ${record.id}</title>
<style>${raw(baseStyle + reportStyle)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the results</a>
${head(data)}
<nav aria-label="Sections"><ul>${shown.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
<main id="main" tabindex="-1">
${shown.map(
  ([
    id,
    title,
    body,
  ]) => html`<section class="sheet" id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>
${body}</section>
`,
)}</main>
<script>${raw(script)}</script>
</body>
</html>
`;
  return page.text;
}

/** The page needs nothing else; this policy tells the browser so, and allows only the page's own script. */
const policy = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  'img-src data:',
  `script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'`,
].join('; ');
