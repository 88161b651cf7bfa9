/** Rows of images: the most and least anomalous, and heat maps. */
import {count} from '../../core/base/text.ts';
import {html, type Markup} from '../html.ts';
import type {Gallery, HeatGallery, Shown} from './gallery-data.ts';

const scoreText = (score: number): string =>
  (Math.abs(score) < 1e4
    ? score.toPrecision(4)
    : Math.abs(score) < 1e7
      ? count(Math.round(score))
      : score.toExponential(3)
  ).replace('-', '−');

const kindOf = ({anomalous}: Shown): string => (anomalous ? 'anomalous' : 'normal');

export const galleryView = ({classifier, most, least}: Gallery): Markup => html`<section class="gallery">
<h4>Most anomalous by ${classifier}</h4>${thumbnails(most)}
<h4>Least anomalous</h4>${thumbnails(least)}
</section>`;

const thumbnails = (images: readonly Shown[]): Markup =>
  html`<ul class="thumbs">${images.map(
    (
      shown,
    ) => html`<li class="${kindOf(shown)}"><img src="${shown.picture}" width="${shown.width}" height="${shown.height}" decoding="async" alt="Test image ${shown.image}, ${kindOf(shown)}: ${shown.class}">
<span><span class="key ${kindOf(shown)}"></span> ${shown.class}</span><span class="muted number">${scoreText(shown.score)}</span></li>`,
  )}</ul>`;

export function heatView({classifier, masks, finds, misses, alarms}: HeatGallery): Markup {
  const panels = ['image', ...(masks ? ['mask'] : []), 'map', 'map over image'].join(', ');
  const rows = [
    ['Found: anomalous images that score highest', finds],
    ['Missed: anomalous images that score lowest', misses],
    ['False alarms: normal images that score highest', alarms],
  ] as const;
  return html`<section class="heat">
<h4>Heat maps by ${classifier}</h4><p class="muted small">Side by side: ${panels}. All maps have one scale, from the median of all pixels (blue) to the highest thousandth (red).</p>
${rows.map(([title, images]) => images.length > 0 && html`<h5>${title}</h5><ul class="strips">${images.map((shown) => strip(shown, panels))}</ul>`)}
</section>`;
}

const strip = (shown: Shown, panels: string): Markup =>
  html`<li><img src="${shown.picture}" width="${shown.width}" height="${shown.height}" decoding="async" alt="Test image ${shown.image}, ${kindOf(shown)}: ${panels}">
<span class="small muted"><span class="key ${kindOf(shown)}"></span> ${shown.class}, no. ${shown.image}, score ${scoreText(shown.score)}</span></li>`;
