/** Keys: `/` searches, `j` and `k` move through what can be opened, `x` ticks, `?` says all this. */
import {button, make} from './elements.ts';

const keys: readonly (readonly [key: string, what: string])[] = [
  ['/', 'search or filter'],
  ['j', 'next row'],
  ['k', 'row before'],
  ['Enter', 'open the row'],
  ['x', 'tick the row for a comparison'],
  ['?', 'these keys'],
];

export function followKeys(): void {
  addEventListener('keydown', (event) => {
    const target = event.target as HTMLElement;
    if (
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      target.closest('dialog, input:not([type=checkbox]), textarea, select, [contenteditable]')
    )
      return;
    const does: {readonly [key: string]: () => void} = {
      '/': () =>
        document.querySelector<HTMLElement>('input[type=search], main textarea, main [contenteditable]')?.focus(),
      j: () => step(target, 1),
      k: () => step(target, -1),
      x: () => target.closest('[data-item]')?.querySelector<HTMLElement>('input[type=checkbox]')?.click(),
      '?': help,
    };
    const action = does[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}

/** To the next item that is seen, from where the focus is. */
function step(from: HTMLElement, by: 1 | -1): void {
  const items = [...document.querySelectorAll<HTMLElement>('[data-item]')].filter((item) => item.checkVisibility());
  const at = items.indexOf(from.closest<HTMLElement>('[data-item]')!);
  const next = items[at < 0 ? (by > 0 ? 0 : items.length - 1) : at + by];
  (next?.querySelector<HTMLElement>('a, button, summary') ?? next)?.focus();
}

function help(): void {
  const dialog = make('dialog', {class: 'keys', 'aria-label': 'Keys'});
  dialog.append(
    make('h2', {}, 'Keys'),
    make('dl', {}, ...keys.flatMap(([key, what]) => [make('dt', {}, make('kbd', {}, key)), make('dd', {}, what)])),
    button('Close', () => dialog.close()),
  );
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
