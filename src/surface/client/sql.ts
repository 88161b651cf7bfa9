/** Completes names of tables, columns and words of SQL while a query is typed. */
import {make} from './elements.ts';

/** Suggestions that are seen. */
const most = 8;

/** `words`: each with what it is, the most telling first. */
export function completeSql(
  area: HTMLTextAreaElement,
  words: readonly (readonly [word: string, about: string])[],
): void {
  const list = make('ul', {
    id: 'suggestions',
    class: 'suggestions',
    role: 'listbox',
    'aria-label': 'Names',
    hidden: true,
  });
  const status = make('p', {class: 'unseen', role: 'status'});
  area.after(list, status);
  for (const [name, value] of [
    ['aria-autocomplete', 'list'],
    ['aria-controls', list.id],
  ] as const)
    area.setAttribute(name, value);
  let found: typeof words = [];
  let at = 0;

  /** The part of a name before the cursor. */
  const begun = (): string => /[\p{L}_][\p{L}\d_]*$/u.exec(area.value.slice(0, area.selectionStart))?.[0] ?? '';
  const close = (): void => {
    found = [];
    list.hidden = true;
    area.removeAttribute('aria-activedescendant');
  };
  const draw = (): void => {
    list.replaceChildren(
      ...found.map(([word, about], i) => {
        const item = make(
          'li',
          {role: 'option', id: `suggestion-${i}`, 'aria-selected': String(i === at)},
          word,
          make('span', {class: 'muted'}, ` ${about}`),
        );
        // Before the area loses the focus.
        item.addEventListener('pointerdown', (event) => {
          event.preventDefault();
          at = i;
          accept();
        });
        return item;
      }),
    );
    list.hidden = false;
    area.setAttribute('aria-activedescendant', `suggestion-${at}`);
  };
  const suggest = (): void => {
    const start = begun().toLowerCase();
    const matching = words.filter(([word]) => word.toLowerCase().startsWith(start) && word.length > start.length);
    if (start === '' || matching.length === 0) {
      close();
      return;
    }
    found = matching.slice(0, most);
    at = 0;
    status.textContent = `${matching.length} names`;
    draw();
  };
  const accept = (): void => {
    const [word] = found[at]!;
    const start = area.selectionStart - begun().length;
    area.setRangeText(word, start, area.selectionStart, 'end');
    area.dispatchEvent(new Event('input')); // as if it had been typed
    close();
  };

  area.addEventListener('input', suggest);
  area.addEventListener('blur', close);
  area.addEventListener('keydown', (event) => {
    if (found.length === 0 || event.ctrlKey || event.metaKey) return;
    const does: {readonly [key: string]: () => void} = {
      ArrowDown: () => {
        at = (at + 1) % found.length;
        draw();
      },
      ArrowUp: () => {
        at = (at + found.length - 1) % found.length;
        draw();
      },
      Tab: accept,
      Enter: accept,
      Escape: close,
    };
    const action = does[event.key];
    if (!action || (event.shiftKey && event.key === 'Tab')) return;
    event.preventDefault();
    action();
  });
}
