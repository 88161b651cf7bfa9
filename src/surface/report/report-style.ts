/** How a run's page is laid out; colours and type are of `style.ts`. */
export const reportStyle = `
body { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1.25rem; max-width: 82rem; margin: 0 auto; padding: clamp(0.75rem, 2.5vw, 2.5rem); }
main { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1.25rem; outline: none; }
.sheet { background: var(--sheet); border: 1px solid var(--line); border-radius: 10px; padding: clamp(1rem, 2.6vw, 2rem); }
.sheet > h2 { margin-bottom: 1rem; }
.sheet > * + * { margin-top: 0.9rem; }
.head > h1 { margin-top: 0.15rem; }
.head .badge { margin-left: 0.4rem; }
.lead { color: var(--muted); font-size: 1rem; }
.facts { padding-top: 1rem; border-top: 1px solid var(--faint); }
.facts .long { grid-column: 1 / -1; }

.answer { font-size: 1.125rem; line-height: 1.5; max-width: 60rem; overflow-wrap: anywhere; }
.answer .value { font-size: 1.4em; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; }

nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: 0.2rem 1.1rem; margin: 0; padding: 0 0.25rem; font-size: 0.875rem; }
nav a { color: var(--muted); text-decoration: none; display: inline-block; padding: 0.2rem 0; }
nav a:hover { color: var(--accent); text-decoration: underline; }
@media (min-width: 70rem) {
  body { grid-template-columns: 9.5rem minmax(0, 1fr); column-gap: 2rem; }
  .head { grid-column: 1 / -1; }
  nav { position: sticky; top: 1.5rem; align-self: start; }
  nav ul { flex-direction: column; }
}

th button { all: unset; cursor: pointer; font: inherit; }
th button:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; border-radius: 3px; }
th button::after { content: '↕'; opacity: 0.45; margin-left: 0.3em; font-size: 0.9em; }
th[aria-sort=ascending] button::after { content: '↑'; opacity: 1; }
th[aria-sort=descending] button::after { content: '↓'; opacity: 1; }
th button:hover { color: var(--ink); }
.tools { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0.5rem 1rem; font-size: 0.875rem; margin-bottom: 0.7rem; }
.tools input[type=search], .tools textarea { font: inherit; color: inherit; background: var(--sheet); border: 1px solid var(--muted); border-radius: 6px; padding: 0.3rem 0.6rem; }
.tools input[type=search] { width: 11rem; }
.tools textarea { width: 100%; font-family: var(--code); font-size: 0.8125rem; }
.tools select { padding: 0.3rem 0.5rem; }
.tools button, .more button { color: var(--ink); background: var(--sheet); border: 1px solid var(--muted); border-radius: 6px; padding: 0.2rem 0.6rem; cursor: pointer; }
.tools button:hover, .more button:hover { border-color: var(--accent); color: var(--accent); }
.more { padding-top: 0.6rem; font-size: 0.875rem; }
tr.group th { font-weight: 650; padding-top: 0.9rem; border-bottom: 1px solid var(--line); }
table.reordered tr.rule > * { border-top-color: var(--faint); }
.one-metric .metric { display: none; }
table.pinned :is(th, td):nth-child(-n + 3) { position: sticky; background: var(--sheet); z-index: 1; }
table.pinned :is(th, td):nth-child(1) { left: var(--left-1, auto); }
table.pinned :is(th, td):nth-child(2) { left: var(--left-2, auto); }
table.pinned :is(th, td):nth-child(3) { left: var(--left-3, auto); }
@media screen and (max-width: 40rem) {
  table.cards, .cards :is(caption, thead, tbody, tr, th, td) { display: block; }
  .cards caption { position: static; max-width: none; width: auto; }
  .cards thead tr { display: flex; flex-wrap: wrap; column-gap: 1rem; }
  .cards thead :is(th, td) { border: 0; padding: 0.15rem 0; }
  .cards thead :is(td:empty, th:not(:has(button))) { display: none; }
  .cards tbody tr { display: flex; flex-wrap: wrap; column-gap: 0.8rem; padding: 0.5rem 0; border-top: 1px solid var(--line); }
  .cards tbody tr > *, .cards tbody tr.rule > *, .cards tbody:last-of-type tr:last-child > * { border: 0; padding: 0; white-space: normal; }
  .cards tbody th { font-weight: 600; }
  .cards tbody td:empty { display: none; }
  .cards td::before { content: attr(data-name) " "; color: var(--muted); }
  .cards tbody td { text-align: left; }
  .cards td[data-name=ours] { order: -1; flex-basis: 100%; font-size: 1.3rem; font-weight: 650; letter-spacing: -0.015em; }
  .cards td[data-name=ours]::before { content: none; }
  .cards td .seeds { display: inline-block; vertical-align: top; }
}
.seeds summary { width: auto; }
.seeds ul { list-style: none; margin: 0.2rem 0 0; padding: 0; color: var(--muted); font-size: 0.8125rem; }
.verdict { font-weight: 600; }
.ours { color: var(--ours); }
.mark { font-size: 0.75rem; margin-left: 0.15em; text-decoration: none; }
.mark:hover { text-decoration: underline; }
.legend { display: grid; gap: 0.3rem; grid-template-columns: minmax(0, 1fr); overflow-wrap: anywhere; }
.legend p, .notes { max-width: 90ch; margin: 0; }
.notes { padding-left: 1.6rem; }
.notes li::marker { content: '[' counter(list-item) '] '; }
.notes li:target { color: var(--ink); }

.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 17.5rem), 1fr)); gap: 2rem 2rem; align-items: start; }
.figures.roomy { grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)); }
figure { margin: 0; min-width: 0; display: grid; gap: 0.6rem; grid-template-columns: minmax(0, 1fr); }
figure.wide { grid-column: 1 / -1; }
figcaption { display: grid; gap: 0.15rem; }
figcaption .title { font-size: 0.875rem; font-weight: 650; line-height: 1.3; letter-spacing: -0.012em; }
figure svg { display: block; width: 100%; height: auto; font-family: var(--text); font-variant-numeric: tabular-nums; }
figure.wide svg { min-width: 36rem; }
svg [aria-label], svg title { pointer-events: auto; }
.numbers, main details { font-size: 0.875rem; }
main details > summary { color: var(--accent); padding: 0.15rem 0; }
main details.seeds > summary { color: inherit; }
main details[open] > summary + * { margin-top: 0.5rem; }
main details > * + h3 { margin: 1rem 0 0.25rem; }
main details > p + pre { margin-top: 0.4rem; }
#provenance > details { border-top: 1px solid var(--faint); padding-top: 0.6rem; }

.chooser { max-width: none; }
.chooser label { font-weight: 600; margin-right: 0.4rem; }
.task, .opening { display: grid; gap: 1.1rem; grid-template-columns: minmax(0, 1fr); }
.task[hidden] { display: none; }
.task + .task { border-top: 1px solid var(--line); padding-top: 1.5rem; }
.key { display: inline-block; width: 0.62rem; height: 0.62rem; border-radius: 50%; background: var(--normal); vertical-align: -0.02em; }
.key.anomalous { background: var(--anomalous); border-radius: 0; clip-path: polygon(50% 0, 100% 100%, 0 100%); margin-left: 0.5em; }
li .key.anomalous { margin-left: 0; }
.gallery, .heat { display: grid; gap: 0.6rem; grid-template-columns: minmax(0, 1fr); }
.gallery h4:not(:first-child), .heat h5 { margin-top: 0.5rem; }
h5 { margin: 0; font-size: 0.8125rem; font-weight: 600; }
.thumbs, .strips { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 0.9rem; }
.thumbs li { display: grid; gap: 0.1rem; font-size: 0.72rem; line-height: 1.35; width: 5.25rem; overflow-wrap: anywhere; align-content: start; }
.thumbs .number { overflow-wrap: normal; white-space: nowrap; }
.thumbs button { all: unset; cursor: zoom-in; display: block; }
.thumbs button:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
.pic { display: block; width: 100%; position: relative; background-repeat: no-repeat; background-color: var(--faint); print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.thumbs .pic:not(.over) { border-bottom: 3px solid var(--normal); box-sizing: content-box; }
.thumbs .anomalous .pic:not(.over) { border-color: var(--anomalous); }
.pic.over { position: absolute; inset: 0; background-color: transparent; opacity: var(--opacity, 0.5); }
.outline { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
.outline path { stroke: #ff3df2; stroke-width: 1.6px; vector-effect: non-scaling-stroke; }
.plain .outline { display: none; }
.strips li { display: grid; gap: 0.25rem; width: min(100%, 28.5rem); }
.panels { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 3px; }
.bar { max-width: 40rem; padding: 0 1.5rem; }
.bar .colours { display: block; position: relative; height: 0.9rem; border-radius: 3px; }
.bar .line { position: absolute; top: -0.25rem; bottom: -0.25rem; width: 3px; margin-left: -1.5px; background: var(--ink); outline: 1px solid var(--sheet); }
.bar .ticks { list-style: none; margin: 0; padding: 0; position: relative; height: 2.4rem; font-size: 0.6875rem; line-height: 1.35; }
.bar .ticks li { position: absolute; transform: translateX(-50%); display: grid; text-align: center; white-space: nowrap; font-variant-numeric: tabular-nums; }
.explorer, .explored { display: grid; gap: 0.9rem; grid-template-columns: minmax(0, 1fr); }
.explorer .tools label.wide { display: flex; flex: 1 1 20rem; gap: 0.6rem; align-items: center; }
.explorer .tools label.wide input { flex: 1; min-width: 6rem; }
.explorer output { font-variant-numeric: tabular-nums; min-width: 5.5rem; }
.explored .opacity { width: 6rem; vertical-align: middle; }
.counts { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: 0.4rem; flex: 1 1 100%; }
.tools .counts button { text-align: left; padding: 0.35rem 0.7rem; }
.counts strong { font-size: 1.1rem; font-variant-numeric: tabular-nums; }
.tools button[aria-pressed=true] { border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); color: var(--accent); }
.mark-of-threshold { stroke: var(--ink); stroke-width: 1.8; }
circle.mark-of-threshold { fill: var(--sheet); }
.mark-of-threshold.out { display: none; }
.enlarged { border: 1px solid var(--line); border-radius: 10px; padding: 1rem; background: var(--sheet); color: var(--ink); width: min(34rem, calc(100vw - 1.5rem)); }
.enlarged::backdrop { background: rgb(0 0 0 / 0.6); }
.enlarged .frame { max-width: 70vh; margin: 0 auto 0.7rem; touch-action: pan-y pinch-zoom; }
.enlarged .tools { margin: 0.7rem 0 0; }
@media screen { .explored:not(:empty) ~ .still { display: none; } }

.map { touch-action: pan-y; cursor: crosshair; }
.map .out { opacity: 0.12; }
.lasso { stroke: var(--ink); stroke-width: 1.2; stroke-dasharray: 4 3; fill: var(--ink); fill-opacity: 0.05; pointer-events: none; }
.pointed { display: flex; gap: 0.8rem; align-items: center; min-height: 5.5rem; font-size: 0.875rem; }
.pointed .pic { width: 5rem; flex: none; }
.best { display: grid; gap: 0.2rem; }
.best p { max-width: none; overflow-wrap: anywhere; }
.best .value { font-size: 1.3em; font-variant-numeric: tabular-nums; }
.training { display: grid; gap: 0.6rem; grid-template-columns: minmax(0, 1fr); }
.facet { display: flex; flex-wrap: wrap; gap: 0.25rem 0.9rem; max-width: none; align-items: baseline; }
.facet .name { color: var(--muted); min-width: 3.5rem; }
.facet > [data-value] { display: inline-flex; overflow-wrap: anywhere; align-items: center; gap: 0.35em; }
.facet button { all: unset; cursor: pointer; display: inline-flex; align-items: center; gap: 0.35em; border: 1px solid var(--line); border-radius: 6px; padding: 0.1rem 0.5rem; }
.facet button:hover, .facet button[aria-pressed=true] { border-color: var(--accent); color: var(--accent); }
.facet button[aria-pressed=true] { box-shadow: inset 0 0 0 1px var(--accent); }
.facet button:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
.stroke { width: 26px; height: 8px; flex: none; fill: none; stroke-width: 2.2; }
.tools .said { flex: 1 1 100%; font-variant-numeric: tabular-nums; min-height: 1.5em; overflow-wrap: anywhere; }
.training svg .out { opacity: 0.07; }
.training svg .near { stroke-width: 3; }
svg .probe { stroke: var(--ink); stroke-width: 1; fill: var(--sheet); }
svg .probe.out { display: none; }
/* A ring at the edge of the plot is whole. */
svg[data-frame] { overflow: visible; }

.made th, .maps th { max-width: 9rem; white-space: normal; overflow-wrap: anywhere; vertical-align: bottom; }
.made img { display: block; width: 5.2rem; height: auto; image-rendering: pixelated; }
.made td, .made th { padding-right: 0.4rem; }
.maps img { display: block; width: 8rem; height: auto; }
.maps td { max-width: 13rem; white-space: normal; overflow-wrap: anywhere; vertical-align: top; }
.maps .key { margin: 0; }
.scales { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)); gap: 0.6rem; margin-bottom: 0.6rem; }

.parallel polyline { stroke: var(--ours); stroke-opacity: 0.35; stroke-width: 1; }
.parallel polyline.best { stroke-opacity: 1; stroke-width: 3; }
.parallel polyline.out { stroke: var(--line); stroke-opacity: 0.25; }
.parallel .part { fill: var(--ours); fill-opacity: 0.25; stroke: var(--ours); }
.parallel .grip { fill: transparent; }
.parallel.live .grip { cursor: ns-resize; touch-action: none; }
.parallel .axis { stroke: var(--muted); }
.parallel text { font-size: 10px; fill: var(--muted); }
.parallel .tick { paint-order: stroke; stroke: var(--sheet); stroke-width: 3px; }
.parallel .name { fill: var(--ink); font-weight: 600; }
.parallel fieldset { border: 0; padding: 0; margin: 0.6rem 0 0; font-size: 0.85rem; }
.parallel fieldset p { margin: 0.2rem 0; }
.parallel fieldset span { display: inline-block; min-width: min(9rem, 100%); }
@media (max-width: 34rem) { .parallel fieldset span { display: block; } }
.parallel input { width: 6.5rem; }
.parallel select { max-width: 12rem; padding: 0.1rem 0.3rem; }

/* Where no script runs, nothing is offered that only a script could do. */
@media (scripting: none) {
  .chooser, .parallel fieldset, .scripted, th button::after { display: none; }
  th button { cursor: auto; pointer-events: none; }
}

@page { margin: 1.3cm; }
@media not print { .on-paper { display: none; } }
@media print {
  :root { color-scheme: light; }
  body { display: block; background: none; padding: 0; max-width: none; font-size: 10pt; }
  .sheet { border: 0; border-radius: 0; padding: 0 0 1.2rem; background: none; }
  nav, .chooser, .skip, .tools, .more, .explorer, .explored, .pointed, .lasso, .probe, dialog, .parallel fieldset, th button::after, .on-screen, .unprinted > :not(summary) { display: none; }
  .unprinted > summary { list-style: none; }
  details:not(.unprinted)::details-content { content-visibility: visible; block-size: auto; }
  /* A grid does not keep a heading with what follows it. */
  main, .task, .task[hidden], .opening, .best, .gallery, .heat, .training, figure { display: block; }
  main > * + *, :is(.task, .opening, .gallery, .heat, .training, figure) > * + * { margin-top: 0.6rem; }
  .figures, .figures.roomy { display: block; columns: 2; column-gap: 1.5rem; }
  .figures > figure { margin: 0 0 1rem; }
  .figures > figure.wide { column-span: all; }
  /* What stands in a line goes to the next page as a whole. */
  .thumbs, .strips { display: block; }
  .thumbs li, .strips li { display: inline-grid; vertical-align: top; margin: 0 0 0.5rem; }
  .thumbs li { width: 11.5%; margin-right: 0.6%; }
  .strips li { width: 48%; margin-right: 1%; }
  h2, h3, h4, h5, .opening, .best, figure, svg, thead, tr, caption, p, .bar { break-inside: avoid; }
  h2, h3, h4, h5, figcaption, caption, summary, thead, figure svg { break-after: avoid; }
  /* What is said of what follows stays with it, and a table has no row alone on a page. */
  .opening, p:has(+ :is(.figures, .scroll, .facet, .chooser, .task, .training)):not(:has(> :nth-child(8))), tbody tr:first-child { break-after: avoid; }
  tbody tr:last-child { break-before: avoid; }
  /* The head of a table with buttons in it would not come again on each page. */
  th button { display: contents; }
  :is(h2, h3, h4, h5) + * { break-before: avoid; }
  .key, svg, .bar { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .scroll { overflow: visible; }
  table { font-size: 8pt; }
  th, td { padding-right: 0.6rem; white-space: normal; }
  td.number { white-space: nowrap; }
  /* A chart and its table are on one page. */
  figure table { font-size: 7pt; line-height: 1.2; }
  figure :is(th, td) { padding-block: 0; padding-right: 0.45rem; }
  figure thead :is(th, td) { font-size: 6.5pt; max-width: 7em; }
  table.pinned :is(th, td):nth-child(n) { position: static; background: none; }
  .seeds, .seeds ul { font-size: 7pt; white-space: nowrap; }
  figure.wide svg { min-width: 0; }
  pre { max-height: none; white-space: pre-wrap; }
}
`;
