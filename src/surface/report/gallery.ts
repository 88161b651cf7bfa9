/** Test images to look at: the highest and lowest scores, and heat maps with what they should have found. */
import {html, type Markup} from '../html.ts';
import type {CloseUp} from './close-up.ts';
import {extremesOf} from './extremes.ts';
import {imageNames} from './image-names.ts';
import {decide} from './outcomes.ts';
import type {HeatSet, PictureSet} from './pictures.ts';
import {scaleBar} from './scale-bar.ts';
import {scoreText} from './score-text.ts';
import type {Scored} from './scores.ts';
import {slotOf} from './slot.ts';

/** By the task's first classifier. */
export function galleryView(closeUp: CloseUp, set: PictureSet): Markup {
  const scored = closeUp.scored[0]!;
  const {most, least} = extremesOf(scored);
  const {kind, file, truth} = imageNames(closeUp, scored);
  const list = (images: readonly number[]): Markup =>
    html`<ul class="thumbs">${images.map(
      (
        image,
      ) => html`<li class="${truth(image)}">${picture(set, image, `${file(image)}, ${truth(image)}: ${kind(image)}`)}
<span><span class="key ${truth(image)}"></span> ${kind(image)}</span><span class="muted number">${scoreText(scored.scores[image]!)}</span></li>`,
    )}</ul>`;
  return html`<section class="gallery">
<h4>Most anomalous by ${scored.classifier}</h4>${list(most)}
<h4>Least anomalous</h4>${list(least)}
</section>`;
}

/** `name`: read to those who can't see it. */
function picture({data, slots}: PictureSet, image: number, name: string, over: Markup | false = false): Markup {
  const {classes, position} = slotOf(data, data.style, slots.get(image)!);
  return html`<span class="${classes}" role="img" aria-label="${name}" style="background-position: ${position}">${over}</span>`;
}

/** Image with the outline of its mask, map, and the map over the image, side by side. */
export function heatView(closeUp: CloseUp, scored: Scored, set: PictureSet, heat: HeatSet): Markup {
  const {finds, misses, alarms} = extremesOf(scored);
  const {score: threshold} = scored.threshold;
  const {found, missed, alarms: false_} = decide(scored.scores, scored.labels, threshold);
  const {kind, file, truth} = imageNames(closeUp, scored);
  const {outlines} = set.data;
  const names = ['image', ...(outlines ? ['the outline of its mask'] : [])].join(' with ');
  const rows = [
    [`Anomalous images that score highest (${found} of ${found + missed} are above the threshold)`, finds],
    [`Anomalous images that score lowest (${missed} of ${found + missed} are missed)`, misses],
    [
      `Normal images that score highest (${false_ === 0 ? 'none is' : false_ === 1 ? '1 is' : `${false_} are`} above the threshold)`,
      alarms,
    ],
  ] as const;
  const strip = (image: number): Markup => {
    const {classes, position} = slotOf(set.data, heat.style, set.slots.get(image)!);
    const map = (look: string, hidden: boolean): Markup =>
      html`<span class="${classes}${look}"${hidden ? html` aria-hidden="true"` : html` role="img" aria-label="Its map"`} style="background-position: ${position}"></span>`;
    const path = outlines?.[image];
    const outline =
      path !== undefined &&
      html`<svg class="outline" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true"><path d="${path}"/></svg>`;
    const called = scored.scores[image]! >= threshold ? 'above' : 'below';
    return html`<li><span class="panels">${picture(set, image, `${file(image)}, ${truth(image)}: ${kind(image)}`, outline)}${map('', false)}${picture(set, image, 'Its map over it', map(' over', true))}</span>
<span class="small muted"><span class="key ${truth(image)}"></span> ${file(image)}, score ${scoreText(scored.scores[image]!)}, ${called} the threshold</span></li>`;
  };
  return html`<section class="heat">
<h4>Heat maps by ${scored.classifier}</h4><p class="muted small">Side by side: ${names}, its map, and the map over the image. All maps of this task have one scale.</p>
${scaleBar(heat.scale, threshold, "Score of a pixel; below it, the share of the normal images' pixels that are lower.")}
${rows.map(([title, images]) => images.length > 0 && html`<h5>${title}</h5><ul class="strips">${images.map(strip)}</ul>`)}
</section>`;
}
