/**
 * How pages look: colours of both schemes, type, tables, figures. Nothing is loaded from elsewhere. Charts take their colours
 * from these variables, so that one drawing serves light, dark and print.
 */

/** Pairs of text and ground have a contrast of at least 4.5, colours of marks at least 3 (WCAG 2, AA). */
const light = `
  --ground: #f6f6f3; --sheet: #ffffff; --ink: #1a1f25; --muted: #57606a; --line: #d9dcdf; --faint: #eceeee;
  --accent: #0b5394; --focus: #0b5394; --good: #176b32; --bad: #ab2016; --warn: #7d5200;
  --normal: #2b6cb0; --anomalous: #c2500a; --ours: #2b6cb0; --paper: #7a828b;
  --c1: #2b6cb0; --c2: #c2500a; --c3: #2c7a4b; --c4: #8250a8; --c5: #9a6b00; --c6: #b83268; --c7: #0f7b83; --c8: #5d6670;`;

const dark = `
  --ground: #0f1318; --sheet: #171c22; --ink: #e7eaed; --muted: #a0aab4; --line: #323a43; --faint: #222931;
  --accent: #86bdf5; --focus: #86bdf5; --good: #6fcf8b; --bad: #ff9488; --warn: #e8bb5c;
  --normal: #6fb0f2; --anomalous: #ff9f66; --ours: #6fb0f2; --paper: #939da8;
  --c1: #6fb0f2; --c2: #ff9f66; --c3: #74cf95; --c4: #c79bea; --c5: #e3bd5b; --c6: #f58bb3; --c7: #5fcad2; --c8: #aab3bd;`;

/** Of every page: a report, or one that a server sends. */
export const baseStyle = `
:root { color-scheme: light dark; ${light}
  --text: system-ui, -apple-system, "Segoe UI", "Helvetica Neue", "Noto Sans", "Liberation Sans", sans-serif;
  --code: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace; }
@media screen and (prefers-color-scheme: dark) { :root { ${dark} } }

*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; scroll-padding-top: 1rem; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { margin: 0; background: var(--ground); color: var(--ink); font: 400 0.9375rem/1.55 var(--text);
  font-kerning: normal; text-rendering: optimizeLegibility; }
h1, h2, h3, h4 { line-height: 1.2; font-weight: 650; letter-spacing: -0.012em; text-wrap: balance; margin: 0; }
h1 { font-size: clamp(1.6rem, 1.2rem + 1.8vw, 2.35rem); letter-spacing: -0.022em; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; }
h3 { font-size: 1rem; }
h4 { font-size: 0.875rem; }
p { margin: 0; max-width: 68ch; text-wrap: pretty; }
a { color: var(--accent); text-underline-offset: 0.15em; text-decoration-thickness: 0.06em; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; border-radius: 3px; }
code, pre, kbd { font-family: var(--code); font-size: 0.86em; }
pre { margin: 0; padding: 0.9rem 1rem; overflow: auto; max-height: 32rem; background: var(--ground); border: 1px solid var(--line);
  border-radius: 6px; line-height: 1.5; tab-size: 2; }
.muted { color: var(--muted); }
.small { font-size: 0.8125rem; }
.number { font-variant-numeric: tabular-nums lining-nums; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: 0.75rem; top: -4rem; background: var(--sheet); padding: 0.5rem 0.9rem; z-index: 2; border-radius: 6px; }
.skip:focus { top: 0.75rem; }

.scroll { overflow-x: auto; overscroll-behavior-x: contain; max-width: 100%; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums lining-nums; font-size: 0.875rem; line-height: 1.4; }
caption { text-align: left; color: var(--muted); padding: 0 0 0.5rem; font-size: 0.8125rem; position: sticky; left: 0; width: fit-content;
  max-width: min(68ch, calc(100vw - 5rem)); white-space: normal; }
th, td { padding: 0.36rem 1.15rem 0.36rem 0; text-align: left; vertical-align: baseline; white-space: nowrap; }
th:last-child, td:last-child { padding-right: 0; }
@media (max-width: 34rem) { th, td { padding-right: 0.7rem; } table { font-size: 0.8125rem; } }
thead th, thead td { font-weight: 600; font-size: 0.78rem; color: var(--muted); border-bottom: 1px solid var(--ink); vertical-align: bottom; }
tbody th { font-weight: 400; }
tbody tr + tr > * { border-top: 1px solid var(--faint); }
tbody tr.rule > * { border-top: 1px solid var(--line); }
tbody:last-of-type tr:last-child > * { border-bottom: 1px solid var(--line); }
th.number, td.number { text-align: right; }
td.wrap { white-space: normal; min-width: 16rem; }
.cards tbody th { white-space: normal; min-width: 6rem; }

button, select, summary { font: inherit; color: inherit; }
label { max-width: 100%; min-width: 0; }
select { background: var(--sheet); border: 1px solid var(--muted); border-radius: 6px; padding: 0.35rem 0.6rem; max-width: 100%; }
summary { cursor: pointer; }
details > summary { width: fit-content; }

.badge { display: inline-block; padding: 0.1rem 0.6rem; border-radius: 99px; border: 1px solid currentColor; font-size: 0.8125rem; font-weight: 600; }
.good { color: var(--good); }
.bad { color: var(--bad); }
.warn { color: var(--warn); }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 8.5rem), 1fr)); gap: 0.9rem 1.5rem; margin: 0; }
.facts dt { color: var(--muted); font-size: 0.78rem; }
.facts dd { margin: 0; overflow-wrap: anywhere; }
@media (min-width: 70rem) { .facts { grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); } }
.notice { border-left: 3px solid var(--warn); padding: 0.15rem 0 0.15rem 0.9rem; overflow-wrap: anywhere; }
.notice.bad { border-color: var(--bad); color: inherit; }
`;
