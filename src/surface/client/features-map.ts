/**
 * A map of features answers: a point shows its image, colours say what is chosen, and a lasso around points (or, by the keyboard, a
 * rectangle between two of them) keeps only their images.
 */

import type {Decided} from '../report/outcomes.ts';
import {outcomeOf} from '../report/outcomes.ts';
import type {EmbeddingData} from '../report/page-data.ts';
import {kept} from './address.ts';
import {button, choice, choose, make} from './elements.ts';
import {type Frame, frameOf, mark} from './marks.ts';

interface About {
  /** Of the task in the address. */
  readonly key: string;
  readonly kinds: readonly string[];
  /** Of each test image: index into the kinds, and 1 if it is anomalous. */
  readonly kind: ArrayLike<number>;
  readonly labels: Uint8Array;
  readonly outcomes: readonly (readonly [outcome: keyof Decided, name: string])[];
  readonly say: (image: number) => string;
  readonly picture: (image: number) => HTMLElement | undefined;
  /** undefined: all. */
  readonly choose: (images: ReadonlySet<number> | undefined) => void;
}

interface FeaturesMap {
  /** Colours the points anew. */
  readonly colour: (scores: Float32Array, threshold: number) => void;
  /** Applies what the address says. */
  readonly restore: () => void;
}

type Place = readonly [x: number, y: number];

/** One of the drawings of the same points. */
interface Drawing {
  readonly frame: Frame;
  readonly marks: readonly SVGGraphicsElement[];
  readonly places: readonly Place[];
  readonly line: SVGElement;
  readonly cursor: SVGElement;
}

const colours = 8;
const help =
  'Points of images. Arrow keys go from point to point; Enter at two points keeps the images in the rectangle between them, Escape keeps all.';

export function followMap(
  figures: readonly Element[],
  {images, training, copies}: EmbeddingData,
  {key, kinds, kind, labels, outcomes, say, picture, choose: keep}: About,
): FeaturesMap {
  const card = make('div', {class: 'pointed'});
  const status = make('output', {class: 'muted'});
  const scale = make('p', {class: 'facet small'});
  const colour = choice('Colour', [
    ['', 'normal or anomalous'],
    ['kind', 'class or kind'],
    ['score', 'score'],
    ['outcome', 'what the threshold says'],
  ]);
  const all = button('All images again', () => take(undefined));
  const bar = make('form', {class: 'tools', 'aria-label': 'Maps of the features'}, colour.field, status, all, scale);
  bar.addEventListener('submit', (event) => event.preventDefault());
  figures[0]!.closest('.figures')!.before(bar);
  bar.after(card);

  const drawings = figures.map((figure): Drawing => {
    const frame = frameOf(figure.querySelector('svg')!);
    const titles = [...frame.svg.querySelectorAll('path > title')];
    const marks = titles.map((title) => title.parentElement as unknown as SVGGraphicsElement);
    for (const title of titles) title.remove();
    const places = marks.map(({transform}): Place => {
      const {e, f} = transform.baseVal.consolidate()!.matrix;
      return [frame.left + e, frame.top + f];
    });
    return {frame, marks, places, line: mark('path', frame.svg, 'lasso'), cursor: mark('circle', frame.svg, 'probe')};
  });
  const own = drawings.flatMap(({marks}) => marks.map((one) => one.getAttribute('fill') ?? ''));

  /** The drawing in which images are chosen, and the outline in its coordinates. */
  let chosen: {readonly at: number; readonly outline: readonly Place[]} | undefined;
  let scoresNow = new Float32Array();
  let thresholdNow = 0;

  /** The test image that a point is, or is a copy of. */
  const originalOf = (at: number): {readonly image: number; readonly copy?: string} | undefined => {
    const image = images[at];
    if (image !== undefined) return {image};
    const after = at - images.length - training;
    if (!copies || after < 0) return undefined;
    return {
      image: copies.images[after % copies.images.length]!,
      copy: copies.names[Math.floor(after / copies.images.length)]!,
    };
  };
  const point = (at: number): void => {
    const original = originalOf(at);
    const shown = original && picture(original.image);
    const text = original ? [...(original.copy ? [`${original.copy} of`] : []), say(original.image)].join(' ') : '';
    card.replaceChildren(...(shown ? [shown] : []), make('p', {role: 'status'}, text || 'a training image'));
    for (const {cursor, places} of drawings) {
      cursor.setAttribute('cx', String(places[at]![0]));
      cursor.setAttribute('cy', String(places[at]![1]));
      cursor.setAttribute('r', '7');
    }
  };

  const isInside = ([x, y]: Place, outline: readonly Place[]): boolean => {
    let inside = false;
    for (const [i, [ax, ay]] of outline.entries()) {
      const [bx, by] = outline[(i + 1) % outline.length]!;
      if (ay > y !== by > y && x < ax + ((bx - ax) * (y - ay)) / (by - ay)) inside = !inside;
    }
    return inside;
  };
  const show = (next: typeof chosen): void => {
    chosen = next;
    const {places} = drawings[next?.at ?? 0]!;
    const inside = new Set(next && [...places.keys()].filter((i) => isInside(places[i]!, next.outline)));
    for (const [at, {line, marks}] of drawings.entries()) {
      const path = next?.at === at ? `M${next.outline.map((place) => place.join(' ')).join('L')}Z` : '';
      line.setAttribute('d', path);
      for (const [i, one] of marks.entries()) one.classList.toggle('out', next !== undefined && !inside.has(i));
    }
    const found = new Set([...inside].flatMap((i) => images[i] ?? []));
    const copied = [...inside].filter((i) => originalOf(i)?.copy !== undefined).length;
    const trained = inside.size - found.size - copied;
    const others = [
      ...(trained > 0 ? [`${trained} training images`] : []),
      ...(copied > 0 ? [`${copied} copies`] : []),
    ].map((text) => `, and ${text}`);
    status.textContent = next
      ? `${found.size} of ${images.length} test images chosen${others.join('')}: below are only these`
      : 'Draw around points to see only their images.';
    all.hidden = next === undefined;
    keep(next ? found : undefined);
  };
  const notes: {lasso: (value: string) => void; colour: (value: string) => void} = {lasso: () => {}, colour: () => {}};
  const take = (next: typeof chosen): void => {
    show(next);
    notes.lasso(next ? `${next.at}_${next.outline.map((place) => place.map(Math.round).join('.')).join('_')}` : '');
  };
  const restore = (): void => {
    notes.lasso = kept(`${key}.lasso`, (value) => {
      const [at = '', ...corners] = value.split('_');
      const outline = corners.map((corner) => corner.split('.').map(Number) as unknown as Place);
      show(outline.length > 2 && drawings[Number(at)] ? {at: Number(at), outline} : undefined);
    });
    notes.colour = kept(`${key}.colour`, (value) => {
      choose(colour.select, value);
      paint();
    });
    if (!chosen) show(undefined);
  };

  const seriesOf = (index: number): string => `var(--c${(index % colours) + 1})`;
  const mixed = (part: number): string =>
    `color-mix(in oklab, var(--anomalous) ${Math.round(100 * part)}%, var(--normal))`;
  const paint = (): void => {
    const by = colour.select.value;
    const sorted = scoresNow.toSorted();
    const rank = (score: number): number => {
      let [low, high] = [0, sorted.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (sorted[middle]! < score) low = middle + 1;
        else high = middle;
      }
      return low / Math.max(1, sorted.length - 1);
    };
    // More kinds than colours: the most frequent have one, the others are grey.
    const counts = new Map<number, number>();
    for (const image of images) counts.set(kind[image]!, (counts.get(kind[image]!) ?? 0) + 1);
    const frequent = [...counts].toSorted((a, b) => b[1] - a[1]).map(([one]) => one);
    const most = frequent.length > colours ? colours - 1 : colours;
    const kindColour = (one: number): string =>
      frequent.indexOf(one) < most ? seriesOf(frequent.indexOf(one)) : 'var(--line)';
    const outcome = (image: number): number => {
      const found = outcomeOf(scoresNow[image]!, labels[image] === 1, thresholdNow);
      return outcomes.findIndex(([name]) => name === found);
    };
    const colourOf: {readonly [by: string]: (image: number) => string} = {
      kind: (image) => kindColour(kind[image]!),
      score: (image) => mixed(rank(scoresNow[image]!)),
      outcome: (image) => seriesOf(outcome(image)),
    };
    let at = 0;
    for (const {marks} of drawings)
      for (const [i, one] of marks.entries()) {
        const image = images[i];
        one.setAttribute('fill', (image !== undefined && colourOf[by]?.(image)) || own[at]!);
        at++;
      }
    const legend: {readonly [by: string]: readonly (readonly [colour: string, name: string])[]} = {
      kind: [
        ...frequent.slice(0, most).map((one) => [kindColour(one), kinds[one]!] as const),
        ...(frequent.length > most ? [['var(--line)', `${frequent.length - most} others`] as const] : []),
      ],
      score: [0, 0.5, 1].map((part, i) => [mixed(part), ['lowest', 'middle', 'highest'][i]!] as const),
      outcome: outcomes.map(([, name], i) => [seriesOf(i), name] as const),
    };
    scale.replaceChildren(
      ...(legend[by] ?? []).map(([fill, name]) => {
        const swatch = make('span', {class: 'key', 'aria-hidden': 'true'});
        swatch.style.background = fill;
        return make('span', {}, swatch, ` ${name}`);
      }),
    );
  };
  colour.select.addEventListener('change', () => {
    paint();
    notes.colour(colour.select.value);
  });

  for (const [at, {frame, places, line}] of drawings.entries()) {
    const nearest = ([x, y]: Place): number =>
      places.reduce((best, place, i) => (far(place, [x, y]) < far(places[best]!, [x, y]) ? i : best), 0);
    const placeOf = (event: PointerEvent): Place => {
      const {x, y} = frame.place(event);
      return [x, y];
    };
    const {svg} = frame;
    const box = make('div', {class: 'map', role: 'group', tabIndex: 0, 'aria-label': help});
    svg.replaceWith(box);
    box.append(svg);

    let outline: Place[] | undefined;
    svg.addEventListener('pointermove', (event) => {
      const place = placeOf(event);
      if (!outline) {
        point(nearest(place));
        return;
      }
      if (far(outline.at(-1)!, place) < 4) return;
      outline.push(place);
      line.setAttribute('d', `M${outline.map((one) => one.join(' ')).join('L')}`);
    });
    svg.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      outline = [placeOf(event)];
      svg.setPointerCapture(event.pointerId);
    });
    // A finger that goes up or down scrolls the page.
    svg.addEventListener('pointercancel', () => {
      outline = undefined;
      show(chosen);
    });
    svg.addEventListener('lostpointercapture', () => {
      // A press without a way around anything keeps all.
      const drawn = outline;
      outline = undefined;
      if (!drawn) return;
      take(drawn.length > 2 ? {at, outline: drawn} : undefined);
    });

    let now = nearest([frame.left + frame.width / 2, frame.top + frame.height / 2]);
    // Before anything is pointed at, the room for its image is not empty.
    if (at === 0) point(now);
    let corner: Place | undefined;
    box.addEventListener('focus', () => point(now));
    box.addEventListener('keydown', (event) => {
      const step = steps[event.key];
      if (step) {
        now = towards(places, now, step);
        point(now);
        if (corner)
          line.setAttribute(
            'd',
            `M${rectangle(corner, places[now]!)
              .map((one) => one.join(' '))
              .join('L')}Z`,
          );
      } else if (event.key === 'Enter') {
        if (corner) take({at, outline: rectangle(corner, places[now]!)});
        corner = corner ? undefined : places[now]!;
      } else if (event.key === 'Escape') {
        corner = undefined;
        take(undefined);
      } else return;
      event.preventDefault();
    });
  }
  if (training > 0) bar.append(make('span', {class: 'muted small'}, 'Crosses: training images.'));

  return {
    colour: (scores, threshold) => {
      scoresNow = scores as typeof scoresNow;
      thresholdNow = threshold;
      paint();
    },
    restore,
  };
}

const steps: {readonly [key: string]: Place} = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

const far = ([ax, ay]: Place, [bx, by]: Place): number => Math.hypot(ax - bx, ay - by);

/** The nearest point that lies more in this direction than across it; the same one where there is none. */
function towards(places: readonly Place[], from: number, [dx, dy]: Place): number {
  const [x, y] = places[from]!;
  let [best, least] = [from, Number.POSITIVE_INFINITY];
  for (const [i, [px, py]] of places.entries()) {
    const along = (px - x) * dx + (py - y) * dy;
    const across = Math.abs((px - x) * dy) + Math.abs((py - y) * dx);
    if (along > 0 && across <= along && along + across < least) [best, least] = [i, along + across];
  }
  return best;
}

/** With some room, so that both corners are inside. */
function rectangle([ax, ay]: Place, [bx, by]: Place): readonly Place[] {
  const room = 1;
  const [left, right] = [Math.min(ax, bx) - room, Math.max(ax, bx) + room];
  const [top, bottom] = [Math.min(ay, by) - room, Math.max(ay, by) + room];
  return [
    [left, top],
    [right, top],
    [right, bottom],
    [left, bottom],
  ];
}
