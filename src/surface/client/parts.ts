/** Parts of a run's page that are drawn when they are seen: each place has a link to a page with the part, which works without script. */
import type {PageData} from '../report/page-data.ts';
import {button, make} from './elements.ts';
import {enliven} from './enliven.ts';

export function loadParts(): void {
  const seen = new IntersectionObserver((entries) => {
    for (const {target, isIntersecting} of entries)
      if (isIntersecting) {
        seen.unobserve(target);
        void load(target as HTMLElement);
      }
  });
  for (const place of document.querySelectorAll<HTMLElement>('[data-part]')) seen.observe(place);
}

async function load(place: HTMLElement): Promise<void> {
  const address = place.dataset['part']!;
  const link = [...place.childNodes];
  const wait = make('p', {class: 'muted', role: 'status'}, 'Drawing …');
  place.replaceChildren(wait);
  try {
    const answer = await fetch(address);
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const part = page.getElementById('part');
    if (!part) throw new Error(`${answer.status}`);
    await Promise.all([...page.querySelectorAll<HTMLLinkElement>('link[rel=stylesheet]')].map(adopt));
    place.replaceChildren(...part.childNodes);
    const data = page.getElementById('page-data');
    if (data) enliven(place, JSON.parse(data.textContent) as PageData, place.id);
    if (document.body.dataset['events'])
      place.prepend(
        make(
          'p',
          {class: 'tools'},
          make('span', {class: 'muted'}, `As of ${new Date().toLocaleTimeString()}.`),
          button('Draw again', () => void load(place)),
        ),
      );
  } catch {
    wait.textContent = 'This could not be drawn. ';
    place.append(...link);
  }
}

/** Style sheets of what is drawn, once each. */
const adopt = ({href}: HTMLLinkElement): Promise<void> =>
  new Promise((resolve) => {
    const address = new URL(href, location.origin).pathname;
    if (document.querySelector(`link[href="${address}"]`)) return resolve();
    const sheet = make('link', {rel: 'stylesheet', href: address});
    sheet.addEventListener('load', () => resolve());
    sheet.addEventListener('error', () => resolve());
    document.head.append(sheet);
  });
