/**
 * What a reader has chosen, in the page's address: `#comparison&metric=auc&filter=bag`. Such a link shows the same again, and leads to the
 * section before the first `&`.
 */

const appliers = new Map<string, (value: string) => void>();

/** The place that a link leads to, and the choices after it. */
function parts(): {readonly anchor: string; readonly choices: URLSearchParams} {
  const [first = '', ...others] = location.hash.slice(1).split('&');
  const isAnchor = !first.includes('=');
  return {
    anchor: isAnchor ? first : '',
    choices: new URLSearchParams((isAnchor ? others : [first, ...others]).join('&')),
  };
}

function write(anchor: string, choices: URLSearchParams): void {
  const text = [anchor, choices.toString()].filter((part) => part !== '').join('&');
  // Back leads to the page before this one, not through every letter of a filter.
  history.replaceState(null, '', text === '' ? `${location.pathname}${location.search}` : `#${text}`);
}

/**
 * A choice that the address keeps. `apply` is called with what the address says: at once if it has the choice, and whenever a
 * link leads to another one; '' is what the page begins with. Returns what notes a new choice.
 */
export function kept(key: string, apply: (value: string) => void): (value: string) => void {
  appliers.set(key, apply);
  const given = parts().choices.get(key);
  if (given !== null) apply(given);
  return (value) => {
    const {anchor, choices} = parts();
    if (value === '') choices.delete(key);
    else choices.set(key, value);
    write(anchor, choices);
  };
}

/** Follows links within the page: one to a section keeps the choices, one with choices applies them. */
export function followAddress(): void {
  let last = parts().choices;
  const arrive = (): void => document.getElementById(parts().anchor)?.scrollIntoView();
  document.addEventListener('click', ({target}) => {
    if ((target as Element).closest('a[href^="#"]')) last = parts().choices;
  });
  addEventListener('hashchange', () => {
    const {anchor, choices} = parts();
    if (choices.size === 0) write(anchor, last);
    else for (const [key, apply] of appliers) apply(choices.get(key) ?? '');
    arrive();
  });
  if (parts().choices.size > 0) arrive();
}
