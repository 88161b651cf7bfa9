/** Graphviz, compiled to WebAssembly: a graph in its language as a picture. */
import {instance} from '@viz-js/viz';

/** Fonts that machines have; Graphviz's own default is Times. */
const font = {fontname: 'Helvetica,Arial,sans-serif'} as const;

/** `dot`: one `digraph`. */
export async function svgOfDot(dot: string): Promise<string> {
  const graphviz = await instance();
  return graphviz.renderString(dot, {format: 'svg', nodeAttributes: font, edgeAttributes: {...font, fontsize: 10}});
}
