/** Parts of a run's report in the pages of the run: drawn when they are looked at, and kept until the run's record changes. */
import type {Result} from '../../core/base/result.ts';
import type {Problem} from '../../pipeline/failures.ts';
import {recordState} from '../../pipeline/store/runs/record.ts';
import {html, raw, scriptElement} from '../html.ts';
import type {ReportParts} from '../report/page.ts';
import type {DrawnStyles} from './drawn.ts';
import {type Page, problemsHtml} from './page.ts';

/** `closely`: with a look at single tasks, which takes most of the time. */
export type DrawParts = (run: string, closely: boolean, signal: AbortSignal) => Promise<Result<ReportParts, Problem>>;

/** Sections of the report that a part has, and what to say if the run has none of them. */
const parts = {
  numbers: {title: 'Numbers', sections: ['classes', 'comparison'], none: 'There is no number yet.'},
  sweep: {
    title: 'Sweep',
    sections: ['search', 'sweeps', 'curves'],
    none: 'This run varies no option: its spec has neither a matrix nor a search.',
  },
  training: {title: 'Training', sections: ['training'], none: 'No network was trained.'},
  tasks: {title: 'Tasks', sections: ['tasks', 'maps'], none: 'No task has scores yet.'},
  timeline: {title: 'Timeline', sections: ['timeline'], none: 'No stage has run yet.'},
  provenance: {title: 'Provenance', sections: ['provenance'], none: ''},
} as const satisfies {
  readonly [name: string]: {readonly title: string; readonly sections: readonly string[]; readonly none: string};
};

export type PartName = keyof typeof parts;

export const isPart = (name: string | undefined): name is PartName => name !== undefined && Object.hasOwn(parts, name);

/** Runs whose parts are kept: with pictures they take a megabyte or more. */
const most = 6;

interface Kept {
  readonly stamp: string;
  readonly parts: Promise<Result<ReportParts, Problem>>;
}

export class RunParts {
  readonly #draw: DrawParts;
  readonly #drawn: DrawnStyles;
  readonly #kept = new Map<string, Kept>();
  readonly #closed = new AbortController();

  constructor(draw: DrawParts, drawn: DrawnStyles) {
    this.#draw = draw;
    this.#drawn = drawn;
  }

  /** Ends what is being drawn. */
  close(): void {
    this.#closed.abort();
  }

  async page(run: string, folder: string, name: PartName): Promise<Page> {
    const {title, sections, none} = parts[name];
    const found = await this.#partsOf(run, folder, name === 'tasks');
    const head = html`<h1>${title}</h1><p><a href="/runs/${run}">Run ${run}</a></p>`;
    if (!found.ok) return {title, body: html`${head}<div id="part">${problemsHtml(found.failures)}</div>`};
    const own = found.value.sections.filter(({id}) => (sections as readonly string[]).includes(id));
    const body = html`${name === 'numbers' && raw(found.value.answer)}${own.map(
      (section) => html`<section id="${section.id}" class="part"><h2>${section.title}</h2>
${raw(section.html)}</section>`,
    )}${own.length === 0 && html`<p class="muted">${none}</p>`}`;
    const {markup, style} = this.#drawn.add(body, name === 'tasks' ? found.value.styles : '');
    return {
      title,
      styles: [style],
      body: html`${head}<div id="part">${markup}</div>${scriptElement(found.value.content, raw(' type="application/json" id="page-data"'))}`,
    };
  }

  #partsOf(run: string, folder: string, closely: boolean): Kept['parts'] {
    const key = `${run} ${closely}`;
    const stamp = recordState(folder);
    const known = this.#kept.get(key);
    if (known?.stamp === stamp) return known.parts;
    const made = this.#draw(run, closely, this.#closed.signal);
    this.#kept.delete(key);
    this.#kept.set(key, {stamp, parts: made});
    // What failed may work the next time.
    void made.then(({ok}) => ok || this.#kept.delete(key));
    for (const old of [...this.#kept.keys()].slice(0, -most)) this.#kept.delete(old);
    return made;
  }
}
