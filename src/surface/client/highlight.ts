/** Colours the words of SQL in a text field: the same text lies behind it, and the field's own is transparent. */
import {make} from './elements.ts';

const token =
  /(--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|('(?:[^']|'')*'?)|(\b\d[\d.]*(?:e[+-]?\d+)?\b)|([\p{L}_][\p{L}\d_]*)/giu;

/** `words`: each with what it is; nothing of a word of the language itself. */
export function highlightSql(
  area: HTMLTextAreaElement,
  words: readonly (readonly [word: string, about: string])[],
): void {
  const kinds = new Map(words.map(([word, about]) => [word.toLowerCase(), about === '' ? 'keyword' : 'name']));
  const behind = make('pre', {'aria-hidden': 'true'});
  const editor = make('div', {class: 'editor'});
  area.replaceWith(editor);
  editor.append(behind, area);
  const draw = (): void => {
    const parts: (Node | string)[] = [];
    let end = 0;
    for (const found of area.value.matchAll(token)) {
      const [text, comment, string, number] = found;
      const kind = comment ? 'comment' : string ? 'string' : number ? 'number' : kinds.get(text.toLowerCase());
      if (kind === undefined) continue;
      parts.push(area.value.slice(end, found.index), make('span', {class: kind}, text));
      end = found.index + text.length;
    }
    // A last line that is empty has its height only if something follows.
    behind.replaceChildren(...parts, `${area.value.slice(end)}\n`);
    behind.scrollTop = area.scrollTop;
  };
  area.addEventListener('input', draw);
  area.addEventListener('scroll', () => {
    behind.scrollTop = area.scrollTop;
  });
  draw();
}
