/** What all pages have around them. */
import type {Problem} from '../../pipeline/failures.ts';
import {html, type Markup, raw, scriptElement} from '../html.ts';

export interface Page {
  readonly title: string;
  readonly body: Markup;
  /** Address of the events that keep it up to date. */
  readonly events?: string | undefined;
  /** Addresses of the style sheets of what is drawn in it. */
  readonly styles?: readonly string[];
}

const places = [
  ['/', 'Runs'],
  ['/compare', 'Compare'],
  ['/query', 'Query'],
] as const;

/** `path`: of the page that is asked for. */
export const pageText = ({title, body, events, styles = []}: Page, path: string): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · pipeline</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/assets/report.css">
<link rel="stylesheet" href="/assets/style.css">
<link rel="stylesheet" href="/assets/parts.css">
${styles.map((address) => html`<link rel="stylesheet" href="${address}">\n`)}${scriptElement('', raw(' type="module" src="/assets/ui.js"'))}
</head>
<body${events !== undefined && html` data-events="${events}"`}>
<a class="skip" href="#main">Skip to the content</a>
<header>
<span class="name">pipeline</span>
<nav aria-label="Pages">${places.map(
    ([to, name]) => html`<a href="${to}"${to === path && html` aria-current="page"`}>${name}</a>`,
  )}</nav>
<p id="connection" role="status"></p>
</header>
<main id="main">
${body}
</main>
</body>
</html>
`.text;

export const problemsHtml = (problems: readonly Problem[]): Markup =>
  html`<div class="problem" role="alert">${problems.map(
    ({message, hint}) => html`<pre>${message}</pre>${hint !== undefined && html`<p>${hint}</p>`}`,
  )}</div>`;
