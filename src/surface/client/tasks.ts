/** One task is seen at a time, and only that one is in the document: its charts have hundreds of marks. */
import {kept} from './address.ts';
import {choose} from './elements.ts';
import {onPrint} from './printing.ts';

/** `articles`: of the tasks, in the order of the chooser's options. */
export function chooseTasks(chooser: HTMLSelectElement, articles: readonly HTMLElement[]): void {
  const place = chooser.closest('p')!;
  const show = (): void => {
    for (const article of articles) article.remove();
    place.after(articles[chooser.selectedIndex]!);
  };
  const note = kept('task', (value) => {
    choose(chooser, [...chooser.options].find(({text}) => text === value)?.value ?? '');
    show();
  });
  chooser.addEventListener('change', () => {
    show();
    note(chooser.selectedIndex === 0 ? '' : chooser.selectedOptions[0]!.text);
  });
  onPrint(() => {
    place.after(...articles);
    return show;
  });
  show();
}
