import {expect, test} from 'vitest';
import {svgOfDot} from '../../../src/surface/report/svg.ts';

test('a graph as a picture: a node a stage, names escaped', async () => {
  const svg = await svgOfDot('digraph { a [label="learn <b> & \\"c\\""] b [fillcolor="#d9f2d9" style=filled] a -> b }');
  expect(svg).toMatch(/<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  expect(svg.match(/class="node"/g)).toHaveLength(2);
  expect(svg).toContain('learn &lt;b&gt; &amp; &quot;c&quot;');
  expect(svg).toContain('fill="#d9f2d9"');
});

test('what is no graph is an error that says so', async () => {
  await expect(svgOfDot('digraph { a -> ')).rejects.toThrow('syntax error');
});
