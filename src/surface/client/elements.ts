/** Makes elements in a line each. */

type Children = readonly (Node | string)[];

/** `make('button', {type: 'button'}, 'Copy')`; properties other than `class`, `role`, `aria-…` and `data-…` are the element's own. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: {readonly [name: string]: unknown} = {},
  ...children: Children
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties))
    if (/^(class|role|for)$|-/.test(name)) element.setAttribute(name, String(value));
    else Object.assign(element, {[name]: value});
  element.append(...children);
  return element;
}

/** A button that does something when it is pressed. */
export const button = (text: string, press: () => void): HTMLButtonElement => {
  const made = make('button', {type: 'button'}, text);
  made.addEventListener('click', press);
  return made;
};

/** A labelled choice. `options`: value and text. */
export function choice(
  label: string,
  options: readonly (readonly [value: string, text: string])[],
): {readonly field: HTMLElement; readonly select: HTMLSelectElement} {
  const select = make(
    'select',
    {'aria-label': label},
    ...options.map(([value, text]) => make('option', {value}, text)),
  );
  return {field: make('label', {}, `${label} `, select), select};
}

/** Chooses the option with this value; the first if there is none. */
export function choose(select: HTMLSelectElement, value: string): void {
  select.value = value;
  if (select.selectedIndex < 0) select.selectedIndex = 0;
}

/** A button that stays pressed. */
export const press = (element: Element, isPressed: boolean): void =>
  element.setAttribute('aria-pressed', String(isPressed));
