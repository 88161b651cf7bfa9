/** The colours of heat maps with scores at them, how many normal pixels are lower, and where the threshold of images lies. */
import {type Content, html, type Markup} from '../html.ts';
import {heatColours} from './chart.ts';
import {type HeatScale, placeOf, ticksOf} from './heat-scale.ts';
import {scoreText} from './score-text.ts';

/** `about`: what stands before what is said of the threshold. */
export function scaleBar(scale: HeatScale, threshold: number, about: Content): Markup {
  const colours = heatColours();
  const steps = 16;
  const stops = Array.from({length: steps + 1}, (_, i) => colours[Math.round((i / steps) * (colours.length - 1))]!);
  const gradient = stops.map((rgb) => `rgb(${rgb.join(' ')})`).join(', ');
  const ticks = ticksOf(scale);
  const percent = (place: number): string => (100 * place).toFixed(1);
  const inside = threshold >= scale.normal[0]! && threshold <= scale.peak;
  return html`<figure class="bar"><figcaption class="small muted"><span>${about} ${
    inside
      ? `The line is the threshold ${scoreText(threshold)}.`
      : `The threshold ${scoreText(threshold)} is not on the scale.`
  }</span></figcaption><span class="colours" style="background: linear-gradient(to right, ${gradient})">${
    inside && html`<span class="line" style="left: ${percent(placeOf(scale, threshold))}%"></span>`
  }</span><ul class="ticks">${ticks.map(
    ({place, score, meaning}) =>
      html`<li style="left: ${percent(place)}%"><span>${scoreText(score)}</span><span class="muted">${meaning}</span></li>`,
  )}</ul></figure>`;
}
