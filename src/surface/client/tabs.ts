/** Sections of a page as tabs: of those that the links of `nav.tabs` lead to, one is seen. Without script all are. */

export function followTabs(): void {
  const links = [...document.querySelectorAll<HTMLAnchorElement>('nav.tabs a')];
  if (links.length === 0) return;
  const sections = links.map((link) => document.getElementById(link.hash.slice(1))!);
  const show = (): void => {
    const anchor = decodeURIComponent(location.hash.slice(1).split('&')[0]!);
    const target = document.getElementById(anchor);
    const found = target ? sections.findIndex((section) => section.contains(target)) : -1;
    const at = Math.max(0, found);
    for (const [i, section] of sections.entries()) {
      section.hidden = i !== at;
      if (i === at) links[i]!.setAttribute('aria-current', 'page');
      else links[i]!.removeAttribute('aria-current');
    }
    // What a link leads to may be folded.
    for (let fold = target?.closest('details'); fold; fold = fold.parentElement?.closest('details')) fold.open = true;
    if (target && !sections.includes(target)) target.scrollIntoView();
  };
  document.body.classList.add('tabbed');
  addEventListener('hashchange', show);
  show();
}
