/** On paper everything is there: what is folded is opened, what is kept out of the page comes back. */

const preparers: (() => () => void)[] = [];

/** `show` is called before the page is printed, and what it returns afterwards. */
export const onPrint = (show: () => () => void): void => {
  preparers.push(show);
};

export function openForPrint(): void {
  let undo: readonly (() => void)[] = [];
  addEventListener('beforeprint', () => {
    undo = preparers.map((prepare) => prepare());
    const folded = [...document.querySelectorAll('details:not([open])')];
    for (const one of folded) one.setAttribute('open', '');
    undo = [...undo, () => folded.forEach((one) => void one.removeAttribute('open'))];
  });
  addEventListener('afterprint', () => {
    for (const again of undo) again();
    undo = [];
  });
}
