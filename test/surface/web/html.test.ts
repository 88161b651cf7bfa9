import {expect, test} from 'vitest';
import {html} from '../../../src/surface/web/html.ts';

test('what is put in is text, unless a template made it', () => {
  const inner = html`<b>${'<&>"'}</b>`;
  expect(html`<p title="${'"x"'}">${[inner, 1, false, undefined, ['a', '<']]}</p>`.text).toBe(
    '<p title="&quot;x&quot;"><b>&lt;&amp;&gt;&quot;</b>1a&lt;</p>',
  );
});
