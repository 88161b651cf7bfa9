/** What is folded and has charts is in the document only while it is open: each has dozens of marks. */
import {onPrint} from './printing.ts';

export function keepFoldedOut(): void {
  const folds = [...document.querySelectorAll<HTMLDetailsElement>('main details')].filter((one) =>
    one.querySelector('figure'),
  );
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
