/** Marks that follow the threshold, on charts that the server has drawn. */

interface Frame {
  readonly svg: SVGSVGElement;
  /** From values to the drawing's coordinates. */
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  readonly top: number;
  readonly height: number;
  readonly inside: (value: number) => boolean;
}

function frameOf(figure: Element): Frame {
  const svg = figure.querySelector('svg')!;
  const numbers = svg.dataset['frame']!.split(' ').map(Number);
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
  return {
    svg,
    top,
    height,
    x: (value) => left + (width * (value - x0)) / (x1 - x0),
    y: (value) => top + height * (1 - (value - y0) / (y1 - y0)),
    inside: (value) => value >= x0 && value <= x1,
  };
}

function mark(tag: 'line' | 'circle', {svg}: Frame): SVGElement {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  made.classList.add('mark-of-threshold');
  svg.append(made);
  return made;
}

const set = (element: Element, attributes: {readonly [name: string]: number}): void => {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value.toFixed(1));
};

/** A line in a histogram; the one that the server has drawn is taken away. Beyond the ends it is not seen. */
export function lineIn(figure: Element): (threshold: number) => void {
  const frame = frameOf(figure);
  frame.svg.querySelector('line[stroke-dasharray]')?.remove();
  const line = mark('line', frame);
  return (threshold) => {
    line.classList.toggle('out', !frame.inside(threshold));
    if (!frame.inside(threshold)) return;
    const x = frame.x(threshold);
    set(line, {x1: x, x2: x, y1: frame.top, y2: frame.top + frame.height});
  };
}

/** A point on a curve. A value that is not a number hides it. */
export function pointIn(figure: Element): (x: number, y: number) => void {
  const frame = frameOf(figure);
  const point = mark('circle', frame);
  return (x, y) => {
    point.classList.toggle('out', Number.isNaN(x + y));
    if (!Number.isNaN(x + y)) set(point, {cx: frame.x(x), cy: frame.y(y), r: 5});
  };
}
