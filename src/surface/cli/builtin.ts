import {plugins} from '../../builtin.ts';
import {compiledUrl} from '../../core/base/compiled.ts';
import {Plugins} from '../../core/plugin/registry.ts';

/** The extension that this file itself runs with: `.ts` under vitest, `.js` compiled. */
const extension = import.meta.url.slice(-3);

/** The built-in plug-ins, with the URL by which worker processes and threads load the same. */
export const builtinPlugins = (): Plugins =>
  new Plugins(plugins, [{url: compiledUrl(new URL(`../../builtin${extension}`, import.meta.url).href).href}]);
