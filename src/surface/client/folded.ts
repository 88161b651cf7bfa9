/** What is folded is in the document only while it is open: charts have dozens of marks, and a thousand rows their seeds. */
import {onPrint} from './printing.ts';

export function keepFoldedOut(): void {
  // What an address may lead to stays: footnotes.
  const folds = [...document.querySelectorAll<HTMLDetailsElement>('main details:not(:has([id]))')];
  for (const fold of folds) {
    const [, ...content] = fold.children;
    const follow = (): void => {
      if (fold.open) fold.append(...content);
      else for (const one of content) one.remove();
    };
    fold.addEventListener('toggle', follow);
    onPrint(() => {
      fold.append(...content);
      return follow;
    });
    follow();
  }
}
