/** What marks of charts say when they are pointed at: a title is in the document only then, for a page has thousands of marks. */

export function titlesOnDemand(): void {
  const texts = new WeakMap<Element, Element>();
  for (const title of document.querySelectorAll('figure svg title')) {
    texts.set(title.parentElement!, title);
    title.remove();
  }
  let last: Element | undefined;
  document.addEventListener('pointerover', ({target}) => {
    last?.remove();
    last = texts.get(target as Element);
    if (last) (target as Element).append(last);
  });
}
