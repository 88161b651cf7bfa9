/** What a page does where scripts run, compiled into one file (`surface/client/`); without it all is there. */
import {readFileSync} from 'node:fs';

let text: string | undefined;

/** Its text, as it stands in the page. */
export function script(): string {
  // From src/ and from dist/ it is the same way.
  text ??= readFileSync(new URL('../../../dist/surface/client.js', import.meta.url), 'utf8');
  return text;
}
