/**
 * Vega-Lite specs → SVG. The only importer of `vega` and `vega-lite`.
 *
 * Charts are drawn here and not in the reader's browser: a page is then a document. It opens at once, prints, and is whole where
 * scripts are forbidden, as in a mail or in a CI server's archive, and it carries no megabyte of run-time. Colours are variables
 * of the style sheet, so that one drawing is right in light and dark.
 */
import * as vega from 'vega';
import {type Config, compile, type TopLevelSpec} from 'vega-lite';
import {escaped, type Markup, raw} from '../html.ts';

export type ChartSpec = TopLevelSpec;
export type LayerSpec = Exclude<
  Extract<TopLevelSpec, {readonly layer: readonly unknown[]}>['layer'][number],
  {readonly layer: unknown}
>;

/** Colours by their meaning; people who cannot distinguish red and green can distinguish those of `series`. */
export const colours = {
  normal: 'var(--normal)',
  anomalous: 'var(--anomalous)',
  ours: 'var(--ours)',
  paper: 'var(--paper)',
  muted: 'var(--muted)',
  series: [1, 2, 3, 4, 5, 6, 7, 8].map((i) => `var(--c${i})`),
} as const;

export interface DrawOptions {
  /** The element says where its axes are, for marks that the page's script adds: linear ones, or y logarithmic. */
  readonly frame?: boolean;
}

/** `left top width height x0 x1 y0 y1`: the plot in the drawing, and the values at its edges; ` log` of a logarithmic y. */
function frameOf(view: vega.View): string {
  const [left, top] = view.origin();
  const domain = (axis: string): readonly number[] => view.scale(axis).domain();
  const numbers = [left, top, view.width(), view.height(), ...domain('x'), ...domain('y')];
  const isLog = view.scale('y').type === 'log';
  return ` data-frame="${numbers.join(' ')}${isLog ? ' log' : ''}"`;
}

let perceived: readonly (readonly [number, number, number])[] | undefined;

/** 64 colours from dark to light whose steps look equal (inferno): red, green, blue, 0 to 255. */
export function heatColours(): NonNullable<typeof perceived> {
  const inferno = vega.scheme('inferno') as unknown as (part: number) => string;
  perceived ??= Array.from({length: 64}, (_, i) => {
    const [red, green, blue] = inferno(i / 63)
      .match(/\d+/g)!
      .map(Number);
    return [red!, green!, blue!] as const;
  });
  return perceived;
}

/** As an `svg` element as wide as there is room, at most as drawn. `about`: what it shows, for who can't see it. */
export async function draw(spec: ChartSpec, about: string, {frame = false}: DrawOptions = {}): Promise<Markup> {
  const view = new vega.View(vega.parse(compile(spec, {config}).spec), {renderer: 'none'});
  try {
    const svg = await view.toSVG();
    return raw(compact(svg, about, frame ? frameOf(view) : ''));
  } finally {
    view.finalize();
  }
}

// There are no fonts to measure here. Vega lets its estimate be replaced, which its types do not say: 0.55 of the size is the
// mean width of a character of common fonts.
const {textMetrics} = vega as unknown as {
  readonly textMetrics: {width(item: {readonly fontSize?: number}, text: unknown): number};
};
textMetrics.width = ({fontSize = 11}, text) => 0.55 * fontSize * String(text ?? '').length;

const label = {labelColor: 'var(--muted)', titleColor: 'var(--muted)', labelFontSize: 11, titleFontSize: 11};

const config: Config = {
  background: 'transparent',
  // A chart is one picture with a text; its marks say theirs in a `title`.
  aria: false,
  padding: 2,
  view: {stroke: null},
  axis: {
    ...label,
    titleFontWeight: 'normal',
    domainColor: 'var(--line)',
    gridColor: 'var(--faint)',
    ticks: false,
    labelPadding: 6,
    titlePadding: 8,
  },
  legend: {
    ...label,
    title: null,
    orient: 'top',
    symbolType: 'circle',
    symbolSize: 60,
    offset: 6,
    padding: 0,
    labelLimit: 320,
  },
  header: {...label, titleFontWeight: 'normal', labelColor: 'var(--ink)', labelFontWeight: 600, labelAnchor: 'start'},
  title: {color: 'var(--ink)', fontSize: 12, fontWeight: 600, anchor: 'start', offset: 10},
  text: {fill: 'var(--ink)', fontSize: 11},
  range: {category: [...colours.series]},
};

/** Without what says nothing (most of the text of a chart of many marks), and with its text. */
function compact(svg: string, about: string, frame: string): string {
  const [, width, height] = / width="([\d.]+)" height="([\d.]+)"/.exec(svg)!;
  const body = svg
    .replace(/^<svg[^>]*>/, '')
    // Areas behind marks that have no colour, one for every line.
    .replaceAll(/<path class="background"(?![^>]* (?:fill|stroke)="(?!none))[^>]*\/>/g, '')
    .replaceAll(/<path class="(?:background|foreground)"[^>]* d="(?:M0,0h0v0h0Z)?"[^>]*\/>/g, '')
    .replaceAll(/ (?:class|role|aria-roledescription|aria-hidden|pointer-events|font-family)="[^"]*"/g, '')
    .replaceAll(/ (?:opacity="1"|fill="none")/g, '')
    // A width of no stroke.
    .replaceAll(/<path(?![^>]* stroke=)[^>]*>/g, (path) => path.replace(/ stroke-width="[^"]*"/, ''))
    .replaceAll(' transform="translate(0,0)"', '')
    // Places, not what is written: 0.005 stays.
    .replaceAll(/ (?:d|transform|[xy][12]?|width|height)="[^"]*"/g, (places) =>
      places.length > 300 ? places.replaceAll(/(\.\d)\d+/g, '$1') : places.replaceAll(/(\.\d\d)\d+/g, '$1'),
    )
    // A circle as one arc that nearly closes.
    .replaceAll(/"M([\d.]+),0A\1,\1,0,1,1,-\1,0A\1,\1,0,1,1,\1,0"/g, '"M$1,0a$1,$1,0,1,1,0-.01z"')
    .replaceAll(/<(path|line|text)([^>]*?) aria-label="([^"]*)"([^>]*?)(?:\/>|>)/g, (_, tag, before, text, after) =>
      tag === 'text'
        ? `<text${before}${after}><title>${text}</title>`
        : `<${tag}${before}${after}><title>${text}</title></${tag}>`,
    );
  return `<svg role="img" aria-label="${escaped(about)}" viewBox="0 0 ${width} ${height}" style="max-width:${width}px" fill="none"${frame}>${unwrapped(hoisted(body))}`;
}

/** What all marks of a group have in common stands once, at the group. */
const hoisted = (body: string): string =>
  body.replaceAll(
    /<g>((?:<path [^>]*?(?:\/>|><title>[^<]*<\/title><\/path>)){2,})<\/g>/g,
    (group: string, marks: string) => {
      const count = marks.match(/<path /g)!.length;
      const shared = new Set(marks.match(/ (?:fill-opacity|stroke-width|fill)="[^"]*"/g));
      const common = [...shared].filter((attribute) => marks.split(attribute).length === count + 1);
      if (common.length === 0) return group;
      return `<g${common.join('')}>${common.reduce((text, attribute) => text.replaceAll(attribute, ''), marks)}</g>`;
    },
  );

/** Without groups that say nothing. */
function unwrapped(body: string): string {
  const saying: boolean[] = [];
  return body.replaceAll(/<g( [^>]*)?>|<\/g>/g, (tag, attributes) => {
    if (tag !== '</g>') saying.push(attributes !== undefined);
    else if (saying.pop()) return tag;
    else return '';
    return attributes === undefined ? '' : tag;
  });
}
