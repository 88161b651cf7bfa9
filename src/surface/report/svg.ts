/** Graphviz, compiled to WebAssembly: a graph in its language as a picture. */
import {instance} from '@viz-js/viz';

/** Whatever monospaced font a machine has is as wide as Courier, by which the boxes are measured; no other kind agrees so. */
const measured = 'Courier';
const shown = "ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace";

/** `dot`: one `digraph`. */
export async function svgOfDot(dot: string): Promise<string> {
  const graphviz = await instance();
  const svg = graphviz.renderString(dot, {
    format: 'svg',
    nodeAttributes: {fontname: measured, fontsize: 11},
    edgeAttributes: {fontname: measured, fontsize: 9},
  });
  return svg.replaceAll(`font-family="${measured}"`, `font-family="${shown}"`);
}
