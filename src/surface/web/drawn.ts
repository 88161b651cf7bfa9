/** Parts of reports have styles in their elements, which the policy of these pages forbids: they become style sheets of their own. */
import {createHash} from 'node:crypto';
import {type Markup, raw} from '../html.ts';

/** Sheets that are kept: pictures of test images are in them, a megabyte each. */
const most = 16;

export interface Drawn {
  readonly markup: Markup;
  /** Address of its style sheet. */
  readonly style: string;
}

/** Style sheets by the address that pages ask for; the latest of them. */
export class DrawnStyles {
  readonly #sheets = new Map<string, string>();

  /** `more`: what else its style sheet has. */
  add(markup: Markup, more = ''): Drawn {
    const styles: string[] = [];
    const name = createHash('sha256').update(more).update(markup.text).digest('hex').slice(0, 16);
    const text = markup.text.replaceAll(/ style="([^"]*)"/g, (_, style: string) => {
      if (!styles.includes(style)) styles.push(style);
      return ` data-style="${name}-${styles.indexOf(style)}"`;
    });
    const rules = styles.map((style, at) => `[data-style="${name}-${at}"] { ${style} }\n`);
    const address = `/styles/${name}.css`;
    this.#sheets.delete(address);
    this.#sheets.set(address, more + rules.join(''));
    for (const old of [...this.#sheets.keys()].slice(0, -most)) this.#sheets.delete(old);
    return {markup: raw(text), style: address};
  }

  /** Undefined: there is no such sheet, or it is not kept any more. */
  find(address: string): string | undefined {
    return this.#sheets.get(address);
  }
}
