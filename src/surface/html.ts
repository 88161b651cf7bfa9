/** Markup as values. The one place where text becomes HTML: everything that is put into a template is escaped. */

/** HTML that may stand in a page as it is. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

/** What a template takes: text is escaped, lists are joined, what is absent leaves nothing. */
export type Content = Markup | string | number | false | null | undefined | readonly Content[];

/** `html\`<td>${text}</td>\``. Values may stand as content and inside quoted attributes, nowhere else. */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return new Markup(parts.map((part, at) => (at === 0 ? part : textOf(values[at - 1]) + part)).join(''));
}

/** Markup that was made elsewhere and is trusted: a chart's SVG, our own style sheet. */
export const raw = (text: string): Markup => new Markup(text);

/** `code` is trusted, too: a file of ours, or JSON in which no element can end. */
export const scriptElement = (code: string, attributes: Markup = raw('')): Markup =>
  raw(['<script', attributes.text, '>', code, '</script>'].join(''));

export const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character]!);

const entities: {readonly [character: string]: string} = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function textOf(value: Content): string {
  if (value === false || value === null || value === undefined) return '';
  if (value instanceof Markup) return value.text;
  if (Array.isArray(value)) return value.map(textOf).join('');
  return escaped(String(value));
}
