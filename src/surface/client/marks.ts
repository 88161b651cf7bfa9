/** Marks that follow the threshold, on charts that the server has drawn. */

/** A drawing's plot. */
export interface Frame {
  readonly svg: SVGSVGElement;
  /** From values to the drawing's coordinates. */
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  /** Where something on the screen is in the drawing. */
  readonly place: (event: {readonly clientX: number; readonly clientY: number}) => DOMPoint;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly inside: (value: number) => boolean;
}

/** As the server says in `data-frame`. */
export function frameOf(svg: SVGSVGElement): Frame {
  const [places, log] = svg.dataset['frame']!.split(' log');
  const numbers = places!.split(' ').map(Number);
  const [left, top, width, height, x0, x1, y0, y1] = numbers as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const of = log === undefined ? (value: number) => value : Math.log;
  return {
    svg,
    left,
    top,
    width,
    height,
    x: (value) => left + (width * (value - x0)) / (x1 - x0),
    y: (value) => top + height * (1 - (of(value) - of(y0)) / (of(y1) - of(y0))),
    place: ({clientX, clientY}) => new DOMPoint(clientX, clientY).matrixTransform(svg.getScreenCTM()!.inverse()),
    inside: (value) => value >= x0 && value <= x1,
  };
}

/** Adds a mark to a drawing. */
export function mark(tag: 'line' | 'circle' | 'path', svg: SVGElement, name: string): SVGElement {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  made.classList.add(name);
  svg.append(made);
  return made;
}

export const set = (element: Element, attributes: {readonly [name: string]: number}): void => {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value.toFixed(1));
};

/** A line in a histogram; the one that the server has drawn is taken away. Beyond the ends it is not seen. */
export function lineIn(figure: Element): (threshold: number) => void {
  const frame = frameOf(figure.querySelector('svg')!);
  frame.svg.querySelector('line[stroke-dasharray]')?.remove();
  const line = mark('line', frame.svg, 'mark-of-threshold');
  return (threshold) => {
    line.classList.toggle('out', !frame.inside(threshold));
    if (!frame.inside(threshold)) return;
    const x = frame.x(threshold);
    set(line, {x1: x, x2: x, y1: frame.top, y2: frame.top + frame.height});
  };
}

/** A point on a curve. A value that is not a number hides it. */
export function pointIn(figure: Element): (x: number, y: number) => void {
  const frame = frameOf(figure.querySelector('svg')!);
  const point = mark('circle', frame.svg, 'mark-of-threshold');
  return (x, y) => {
    point.classList.toggle('out', Number.isNaN(x + y));
    if (!Number.isNaN(x + y)) set(point, {cx: frame.x(x), cy: frame.y(y), r: 5});
  };
}
