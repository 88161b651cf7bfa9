import {html, type Markup} from '../html.ts';

/** A state in a word and a colour. */
export const badge = (state: string): Markup => html`<span class="badge ${state.replaceAll(' ', '-')}">${state}</span>`;
