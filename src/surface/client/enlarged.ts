/** A picture as large as the screen lets it be, with those before and after it. */
import {button, make} from './elements.ts';

export interface Enlarged {
  readonly picture: HTMLElement;
  readonly text: string;
}

/** Pixels that a finger goes sideways for the next picture; a shorter way is a tap. */
const swipe = 40;

/** Shows the picture of this place in a list of so many; arrow keys, buttons and swipes go on. */
export function enlarge(
  count: number,
  first: number,
  show: (at: number) => Enlarged,
  closed: (at: number) => void,
): void {
  let at = first;
  const frame = make('div', {class: 'frame'});
  const text = make('p', {role: 'status'});
  const dialog = make('dialog', {class: 'enlarged', 'aria-label': 'Test image'});
  const go = (to: number): void => {
    if (to < 0 || to >= count) return;
    at = to;
    const shown = show(at);
    frame.replaceChildren(shown.picture);
    text.textContent = `${at + 1} of ${count}: ${shown.text}`;
    back.disabled = at === 0;
    on.disabled = at === count - 1;
  };
  const back = button('← Previous', () => go(at - 1));
  const on = button('Next →', () => go(at + 1));
  dialog.append(
    frame,
    text,
    make(
      'p',
      {class: 'tools'},
      back,
      on,
      button('Close', () => dialog.close()),
    ),
  );
  dialog.addEventListener('keydown', ({key}) => {
    if (key === 'ArrowLeft') go(at - 1);
    if (key === 'ArrowRight') go(at + 1);
  });
  let start: {readonly x: number; readonly y: number} | undefined;
  frame.addEventListener('pointerdown', ({pointerType, isPrimary, clientX, clientY}) => {
    // A second finger enlarges the page: that is no swipe.
    start = pointerType === 'touch' && isPrimary ? {x: clientX, y: clientY} : undefined;
  });
  frame.addEventListener('pointercancel', () => {
    start = undefined;
  });
  frame.addEventListener('pointerup', ({clientX, clientY}) => {
    if (!start) return;
    const [right, down] = [clientX - start.x, clientY - start.y];
    start = undefined;
    if (Math.abs(right) >= swipe && Math.abs(right) > Math.abs(down)) go(right < 0 ? at + 1 : at - 1);
  });
  // A click beside the picture.
  dialog.addEventListener('click', ({target}) => target === dialog && dialog.close());
  dialog.addEventListener('close', () => {
    dialog.remove();
    closed(at);
  });
  document.body.append(dialog);
  go(first);
  dialog.showModal();
}
