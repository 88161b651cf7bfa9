/** Writes `docs/reference/` from the compiled code: `npm run docs`. */
import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';

// They would be written as defaults of the command line.
for (const name of Object.keys(process.env)) if (name.startsWith('PIPELINE_')) delete process.env[name];

const {program} = await import('../dist/surface/cli/main.js');
const {builtinPlugins} = await import('../dist/surface/cli/builtin.js');
const {referencePages} = await import('../dist/surface/reference/index.js');

const folder = fileURLToPath(new URL('../docs/reference', import.meta.url));
mkdirSync(folder, {recursive: true});
for (const [name, text] of await referencePages(program, builtinPlugins())) writeFileSync(join(folder, name), text);
