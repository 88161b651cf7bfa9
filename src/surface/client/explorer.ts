/**
 * A task's test images: one threshold moves the marks of the charts, counts what is found and missed, and chooses among the pictures.
 */

import {count} from '../../core/base/text.ts';
import {type Decided, decide, outcomeOf} from '../report/outcomes.ts';
import type {ClassifierData, ExplorerData, PictureData} from '../report/page-data.ts';
import {scoreText} from '../report/score-text.ts';
import {slotOf} from '../report/slot.ts';
import {kept} from './address.ts';
import {indicesOf, scoresOf} from './decode.ts';
import {button, choice, choose, make} from './elements.ts';
import {enlarge} from './enlarged.ts';
import {followMap} from './features-map.ts';
import {lineIn, pointIn} from './marks.ts';

/** Pictures at first, and more at a press. */
const page = 48;

const outcomes: readonly (readonly [outcome: keyof Decided, name: string])[] = [
  ['found', 'found'],
  ['missed', 'missed'],
  ['alarms', 'false alarms'],
  ['passed', 'rightly passed'],
];

const outline = (path: string): SVGElement => {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  svg.classList.add('outline');
  for (const [name, value] of [
    ['viewBox', '0 0 100 100'],
    ['preserveAspectRatio', 'none'],
    ['aria-hidden', 'true'],
  ] as const)
    svg.setAttribute(name, value);
  svg.append(document.createElementNS(space, 'path'));
  svg.firstElementChild!.setAttribute('d', path);
  return svg;
};

/** `key`: of the task in the address. */
export function explore(
  article: HTMLElement,
  data: ExplorerData,
  pictures: PictureData | undefined,
  key: string,
): void {
  if (data.without !== undefined)
    article.querySelector('.explorer')!.append(make('p', {class: 'muted small'}, data.without));
  if (data.classifiers.length === 0) return;
  const kind = indicesOf(data.kind, data.kinds.length > 256);
  const labels = Uint8Array.from(kind, (one) => Number(data.anomalous[one]));
  const classifiers = data.classifiers.map((one) => {
    const scores = scoresOf(one.scores);
    return {...one, scores, sorted: scores.toSorted()};
  });
  const slots = new Map(pictures?.images.map((image, slot) => [image, slot]));
  const figures = (name: string): readonly Element[] => [...article.querySelectorAll(`[data-chart="${name}"]`)];
  // A classifier may have its charts and no scores here.
  const lines = figures('histogram').slice(0, classifiers.length).map(lineIn);
  const points = {roc: figures('roc').map(pointIn), precision: figures('precision').map(pointIn)};
  const images = article.querySelector<HTMLElement>('.explored')!;

  let chosen = classifiers[0]!;
  let outcome: keyof Decided | '' = '';
  let most = page;
  /** Of the map of the features; undefined: all. */
  let among: ReadonlySet<number> | undefined;

  const bar = make('form', {class: 'tools', 'aria-label': 'Threshold and images'});
  bar.addEventListener('submit', (event) => event.preventDefault());
  const slider = make('input', {type: 'range', min: '0', step: '1', 'aria-label': 'Threshold'});
  const status = make('output', {});
  const counts = make('div', {class: 'counts', role: 'group', 'aria-label': 'Show only images that are'});
  const list = make('ul', {class: 'thumbs'});
  const more = make('p', {class: 'more'});
  const classifier = choice(
    'Classifier',
    classifiers.map(({name}) => [name, name] as const),
  );
  const kinds = choice('Kind', [['', 'all'], ...data.kinds.map((name) => [name, name] as const)]);
  const order = choice('Order', [
    ['', 'highest score first'],
    ['lowest', 'lowest score first'],
    ['nearest', 'nearest to the threshold first'],
  ]);
  const opacity = make('input', {type: 'range', min: '0', max: '100', value: '50', class: 'opacity'});
  const outlined = make('input', {type: 'checkbox', checked: true});

  /** Halfway between the scores on both sides, as on the server. */
  const between = (sorted: Float32Array, below: number): number => {
    const [low, high] = [sorted[below - 1], sorted[below]];
    if (high === undefined) return Number.POSITIVE_INFINITY;
    return low === undefined ? high : low + (high - low) / 2;
  };
  const threshold = (): number => between(chosen.sorted, Number(slider.value));

  const picture = (image: number): HTMLElement => {
    const place = slots.get(image)!;
    const {classes, position} = slotOf(pictures!, pictures!.style, place);
    const made = make('span', {class: classes});
    made.style.backgroundPosition = position;
    if (chosen.maps !== undefined) {
      const over = make('span', {class: `${slotOf(pictures!, chosen.maps, place).classes} over`});
      over.style.backgroundPosition = position;
      made.append(over);
    }
    const path = pictures!.outlines?.[image];
    if (path !== undefined) made.append(outline(path));
    return made;
  };
  const nameOf = (image: number): string => {
    const file = pictures?.files?.[slots.get(image)!];
    return file ?? `${data.kinds[kind[image]!]} no. ${image}`;
  };
  const sayOf = (image: number, at: number): string =>
    `${nameOf(image)}, ${labels[image] === 1 ? 'anomalous' : 'normal'}, score ${scoreText(chosen.scores[image]!)}: ${
      outcomes.find(([one]) => one === outcomeOf(chosen.scores[image]!, labels[image] === 1, at))![1]
    }`;

  const imagesAt = (at: number): readonly number[] => {
    const wanted = kinds.select.value === '' ? -1 : data.kinds.indexOf(kinds.select.value);
    const {scores} = chosen;
    const own = (pictures?.images ?? []).filter(
      (image) =>
        (wanted < 0 || kind[image] === wanted) &&
        (among === undefined || among.has(image)) &&
        (outcome === '' || outcomeOf(scores[image]!, labels[image] === 1, at) === outcome),
    );
    const by: {readonly [order: string]: (image: number) => number} = {
      '': (image) => -scores[image]!,
      lowest: (image) => scores[image]!,
      nearest: (image) => Math.abs(scores[image]! - at),
    };
    const place = by[order.select.value]!;
    return own.toSorted((a, b) => place(a) - place(b));
  };

  const drawPictures = (at: number): void => {
    const wantedImages = imagesAt(at);
    const shown = wantedImages.slice(0, most);
    list.replaceChildren(
      ...shown.map((image, i) => {
        const press = button('', () =>
          enlarge(
            wantedImages.length,
            i,
            (place) => ({picture: picture(wantedImages[place]!), text: sayOf(wantedImages[place]!, at)}),
            (place) =>
              (list.children[Math.min(place, shown.length - 1)]?.firstElementChild as HTMLElement | null)?.focus(),
          ),
        );
        press.setAttribute('aria-label', `Enlarge ${sayOf(image, at)}`);
        press.append(picture(image));
        const truth = labels[image] === 1 ? 'anomalous' : 'normal';
        const text = make('span', {}, make('span', {class: `key ${truth}`}), ` ${data.kinds[kind[image]!]}`);
        return make(
          'li',
          {class: truth},
          press,
          text,
          make('span', {class: 'muted number'}, scoreText(chosen.scores[image]!)),
        );
      }),
    );
    const left = wantedImages.length - shown.length;
    more.replaceChildren(
      ...(left > 0
        ? [
            `${shown.length} of ${wantedImages.length} images. `,
            button(`Show ${Math.min(page, left)} more`, () => {
              most += page;
              drawPictures(at);
            }),
          ]
        : wantedImages.length === 0
          ? ['No image.']
          : []),
    );
  };

  const draw = (): void => {
    const at = threshold();
    const {found, missed, alarms, passed} = decide(chosen.scores, labels, at);
    for (const [i, line] of lines.entries()) {
      const own = classifiers[i]!;
      line(own === chosen ? at : between(own.sorted, own.below));
    }
    for (const point of points.roc) point(alarms / (alarms + passed), found / (found + missed));
    for (const point of points.precision) point(found / (found + missed), found / (found + alarms));
    status.textContent = Number.isFinite(at) ? scoreText(at) : 'above all scores';
    const decided = {found, missed, alarms, passed};
    for (const [i, [one, name]] of outcomes.entries()) {
      const press = counts.children[i] as HTMLButtonElement;
      press.replaceChildren(make('strong', {}, String(decided[one])), ` ${name}`);
      press.setAttribute('aria-pressed', String(outcome === one));
    }
    map?.colour(chosen.scores, at);
    drawPictures(at);
  };

  const fresh = (): void => {
    most = page;
    draw();
  };
  const start = (): void => {
    slider.max = String(chosen.sorted.length);
    slider.value = String(chosen.below);
    slider.setAttribute('aria-valuetext', scoreText(threshold()));
  };

  const map =
    data.embedding &&
    followMap(figures('embedding'), data.embedding, {
      key,
      kinds: data.kinds,
      kind,
      labels,
      outcomes,
      say: (image) => sayOf(image, threshold()),
      picture: (image) => (slots.has(image) ? picture(image) : undefined),
      choose: (images) => {
        among = images;
        fresh();
      },
    });

  for (const [one] of outcomes)
    counts.append(
      button('', () => {
        outcome = outcome === one ? '' : one;
        fresh();
        notes.outcome(outcome);
      }),
    );
  start();
  const notes = {
    classifier: kept(`${key}.classifier`, (value) => {
      choose(classifier.select, value);
      chosen = classifiers[classifier.select.selectedIndex]!;
      start();
      draw();
    }),
    below: kept(`${key}.below`, (value) => {
      slider.value = value === '' ? String(chosen.below) : value;
      draw();
    }),
    kind: kept(`${key}.kind`, (value) => {
      choose(kinds.select, value);
      fresh();
    }),
    order: kept(`${key}.order`, (value) => {
      choose(order.select, value);
      fresh();
    }),
    outcome: kept(`${key}.show`, (value) => {
      outcome = (outcomes.find(([one]) => one === value)?.[0] ?? '') as typeof outcome;
      fresh();
    }),
  };
  const restart = (): void => {
    chosen = classifiers[classifier.select.selectedIndex]!;
    start();
    fresh();
    notes.classifier(classifier.select.selectedIndex === 0 ? '' : chosen.name);
    notes.below('');
  };
  classifier.select.addEventListener('change', restart);
  slider.addEventListener('input', () => {
    slider.setAttribute('aria-valuetext', scoreText(threshold()));
    draw();
    notes.below(Number(slider.value) === chosen.below ? '' : slider.value);
  });
  for (const [name, {select}] of [
    ['kind', kinds],
    ['order', order],
  ] as const)
    select.addEventListener('change', () => {
      fresh();
      notes[name](select.value);
    });
  const look = (): void => {
    article.classList.toggle('plain', !outlined.checked);
    article.style.setProperty('--opacity', String(Number(opacity.value) / 100));
  };
  opacity.addEventListener('input', look);
  outlined.addEventListener('change', look);

  bar.append(
    ...(classifiers.length > 1 ? [classifier.field] : []),
    make('label', {class: 'wide'}, 'Threshold ', slider, ' ', status),
    counts,
  );
  const looks = make('form', {class: 'tools', 'aria-label': 'Images'});
  looks.append(
    kinds.field,
    order.field,
    ...(data.classifiers.some(({maps}: ClassifierData) => maps !== undefined)
      ? [make('label', {}, 'Map ', opacity)]
      : []),
    ...(pictures?.outlines ? [make('label', {}, outlined, ' Outlines of masks')] : []),
  );
  article.querySelector('.explorer')!.append(bar);
  if (pictures) {
    const all = pictures.images.length === kind.length;
    const some = `${count(pictures.images.length)} of the ${count(kind.length)} test images have a picture here: those that score highest and lowest, and of the others every so many.`;
    images.append(
      make('h4', {}, 'Test images'),
      looks,
      ...(all ? [] : [make('p', {class: 'muted small'}, some)]),
      list,
      more,
    );
  }
  map?.restore();
  look();
  draw();
}
