/**
 * Training curves answer: entries of the legend isolate what they name, an epoch of one training is read by pointing at it or with the
 * controls above the charts, and the loss has a logarithmic axis.
 */
import type {TrainingData} from '../report/page-data.ts';
import {trainingNames, trainingText} from '../report/training-text.ts';
import {kept} from './address.ts';
import {button, choice, make, press} from './elements.ts';
import {type Frame, frameOf, mark, set} from './marks.ts';
import {onPrint} from './printing.ts';

/** A drawing of a panel: linear, or logarithmic. */
interface Drawing {
  readonly box: HTMLElement;
  readonly frame: Frame;
  readonly lines: readonly Element[];
  readonly bands: readonly Element[];
  readonly rule: SVGElement;
  readonly dot: SVGElement;
}

export function followTraining(section: HTMLElement, {names, of, panels, epochs}: TrainingData): void {
  const charts = panels.map((panel) => {
    const figure = section.querySelector(`[data-chart="training-${panel.field}"]`)!;
    const drawings = [...figure.querySelectorAll<HTMLElement>('[data-scale]')].map((box): Drawing => {
      const frame = frameOf(box.querySelector('svg')!);
      const titled = [...frame.svg.querySelectorAll('path > title')];
      const marks = titled.map((title) => title.parentElement!);
      // What is pointed at is said below; the browser's own words would hide it.
      for (const title of titled) title.remove();
      return {
        box,
        frame,
        bands: marks.slice(0, panel.bands.length),
        lines: marks.slice(panel.bands.length),
        rule: mark('line', frame.svg, 'probe'),
        dot: mark('circle', frame.svg, 'probe'),
      };
    });
    return {...panel, figure, drawings};
  });
  const chosen = new Map<string, Set<string>>();
  const isShown = (training: number): boolean =>
    [...chosen].every(([facet, values]) => values.size === 0 || values.has(of[training]![facet]!));
  const shown = (): readonly number[] => [...names.keys()].filter(isShown);

  let training = 0;
  /** undefined: the last. */
  let epoch: number | undefined;

  const bar = make('form', {class: 'tools', 'aria-label': 'Training curves'});
  bar.addEventListener('submit', (event) => event.preventDefault());
  const which = choice('Training', []);
  const slider = make('input', {type: 'range', min: '0', 'aria-label': 'Epoch'});
  const log = make('input', {type: 'checkbox'});
  const said = make('output', {class: 'said'});

  const lineOf = (panel: (typeof charts)[number]) => panel.lines.find((line) => line.of.includes(training));
  const epochsNow = (): readonly number[] => {
    const [first] = charts.flatMap((panel) => lineOf(panel) ?? []);
    return first ? epochs[first.epochs]! : [];
  };

  /** What is read at the epoch that is chosen. */
  const read = (): void => {
    const own = epochsNow();
    const wanted = epoch ?? own.at(-1)!;
    const at = own.reduce((best, one, i) => (Math.abs(one - wanted) < Math.abs(own[best]! - wanted) ? i : best), 0);
    const texts: string[] = [];
    for (const panel of charts) {
      const line = lineOf(panel);
      const place = line ? epochs[line.epochs]!.indexOf(own[at]!) : -1;
      const value = line?.values[place];
      for (const {frame, rule, dot, lines} of panel.drawings) {
        for (const one of [rule, dot]) one.classList.toggle('out', value === undefined);
        for (const [i, one] of lines.entries()) one.classList.toggle('near', panel.lines[i] === line);
        if (value === undefined) continue;
        const x = frame.x(own[at]!);
        set(rule, {x1: x, x2: x, y1: frame.top, y2: frame.top + frame.height});
        set(dot, {cx: x, cy: frame.y(panel.field === 'accuracy' ? 100 * value : value), r: 4});
      }
      if (value !== undefined) texts.push(`${trainingNames[panel.field]} ${trainingText(panel.field, value)}`);
    }
    slider.max = String(own.length - 1);
    slider.value = String(at);
    slider.setAttribute('aria-valuetext', `epoch ${own[at]}`);
    which.select.value = String(training);
    said.textContent = `Epoch ${own[at]} · ${names[training]}: ${texts.join(', ')}`;
  };

  const draw = (): void => {
    const left = shown();
    if (!left.includes(training)) training = left[0] ?? 0;
    for (const panel of charts)
      for (const {lines, bands} of panel.drawings) {
        for (const [i, line] of lines.entries()) line.classList.toggle('out', !panel.lines[i]!.of.some(isShown));
        for (const [i, band] of bands.entries()) {
          const methods = chosen.get('method');
          band.classList.toggle('out', methods !== undefined && methods.size > 0 && !methods.has(panel.bands[i]!));
        }
      }
    which.select.replaceChildren(...left.map((one) => make('option', {value: String(one)}, names[one]!)));
    read();
  };

  const places = new Map(charts.flatMap(({drawings}) => drawings.map(({box}) => [box, box.parentElement!] as const)));
  const scale = (): void => {
    for (const {drawings} of charts)
      for (const {box} of drawings) {
        const wanted = drawings.length > 1 && log.checked ? 'log' : 'linear';
        box.hidden = box.dataset['scale'] !== wanted;
        // One of both is in the document: each has hundreds of marks.
        if (box.hidden) box.remove();
        else places.get(box)!.querySelector('figcaption')!.after(box);
      }
  };

  for (const entry of section.querySelectorAll<HTMLElement>('.facet')) {
    const facet = entry.dataset['facet']!;
    const values = new Set<string>();
    chosen.set(facet, values);
    entry.setAttribute('role', 'group');
    entry.setAttribute('aria-label', `Show only trainings of this ${facet}`);
    const presses = [...entry.querySelectorAll<HTMLElement>('[data-value]')].map((text) => {
      const value = text.dataset['value']!;
      const made = button('', () => {
        if (!values.delete(value)) values.add(value);
        show();
        note([...values].map(encodeURIComponent).join(','));
      });
      made.append(...text.childNodes);
      text.append(made);
      return {value, made};
    });
    const show = (): void => {
      for (const {value, made} of presses) press(made, values.has(value));
      draw();
    };
    const note = kept(`training.${facet}`, (value) => {
      values.clear();
      const known = new Set(presses.map((one) => one.value));
      for (const one of value.split(',').map(decodeURIComponent)) if (known.has(one)) values.add(one);
      show();
    });
    show();
  }

  const notes = {
    log: kept('training.log', (value) => {
      log.checked = value !== '';
      scale();
    }),
    at: kept('training.at', (value) => {
      const [name = '', number] = value.split('@');
      training = Math.max(0, names.indexOf(name));
      epoch = number === undefined ? undefined : Number(number);
      draw();
    }),
  };
  const go = (to: number, at: number | undefined): void => {
    training = to;
    epoch = at;
    read();
  };
  const noteAt = (): void => notes.at(`${names[training]}@${epoch ?? epochsNow().at(-1)}`);
  log.addEventListener('change', () => {
    scale();
    notes.log(log.checked ? '1' : '');
  });
  which.select.addEventListener('change', () => {
    go(Number(which.select.value), epoch);
    noteAt();
  });
  slider.addEventListener('input', () => {
    go(training, epochsNow()[Number(slider.value)]);
    noteAt();
  });
  for (const panel of charts)
    for (const {frame} of panel.drawings) {
      frame.svg.addEventListener('pointerleave', noteAt);
      frame.svg.addEventListener('pointermove', (event) => {
        const {x, y} = frame.place(event);
        const factor = panel.field === 'accuracy' ? 100 : 1;
        let [best, nearest]: [{line: number; epoch: number} | undefined, number] = [
          undefined,
          Number.POSITIVE_INFINITY,
        ];
        for (const [line, {of: own, epochs: at, values}] of panel.lines.entries()) {
          if (!own.some(isShown)) continue;
          for (const [i, value] of values.entries()) {
            const far = Math.hypot(frame.x(epochs[at]![i]!) - x, frame.y(factor * value) - y);
            if (far < nearest) [best, nearest] = [{line, epoch: epochs[at]![i]!}, far];
          }
        }
        if (best) go(panel.lines[best.line]!.of.find(isShown)!, best.epoch);
      });
    }
  onPrint(() => {
    for (const {drawings} of charts)
      for (const {rule, dot} of drawings) for (const one of [rule, dot]) one.classList.add('out');
    return read;
  });

  bar.append(
    ...(names.length > 1 ? [which.field] : []),
    make('label', {}, 'Epoch ', slider),
    ...(charts.some(({drawings}) => drawings.length > 1)
      ? [make('label', {}, log, ' Logarithmic axis of the loss')]
      : []),
    said,
  );
  section.querySelector('.figures')!.before(bar);
  scale();
  draw();
}
