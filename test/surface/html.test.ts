import {expect, test} from 'vitest';
import {html, raw} from '../../src/surface/html.ts';

test('text is escaped in content and attributes; markup is not escaped twice', () => {
  const name = `<b>"Tom" & 'Jerry'</b>`;
  const cell = html`<td title="${name}">${name}</td>`;
  const escaped = '&lt;b&gt;&quot;Tom&quot; &amp; &#39;Jerry&#39;&lt;/b&gt;';
  expect(cell.text).toBe(`<td title="${escaped}">${escaped}</td>`);
  expect(html`<tr>${cell}</tr>`.text).toBe(`<tr>${cell.text}</tr>`);
});

test('lists are joined, numbers become text, absent values become nothing', () => {
  expect(html`<p>${['<', html`<i>${0}</i>`, [1.5]]}${false}${null}${undefined}${raw('<hr>')}</p>`.text).toBe(
    '<p>&lt;<i>0</i>1.5<hr></p>',
  );
});
