import {renameSync, symlinkSync, writeFileSync} from 'node:fs';
import {hostname} from 'node:os';
import {pathToFileURL} from 'node:url';
import {expect, test} from 'vitest';
import {sha256} from '../../../src/core/base/canonical.ts';
import {loadModule, loadSameModule} from '../../../src/core/plugin/code.ts';
import {World} from '../../rig/world.ts';

const urlOf = (path: string): string => pathToFileURL(path).href;

test('a module is made of all that it names by a path; what is read later is marked', async () => {
  using world = new World();
  world.write(
    'lib/deep.js',
    "export {\n  helper,\n} from '../helper.js';\nexport const table = () => import('./late.mjs');",
  );
  world.write('helper.js', 'export const helper = 1;');
  world.write('lib/late.mjs', "import './later.mjs';");
  world.write('lib/later.mjs', 'export {};');
  world.write('data/table.json', '{}');
  world.write('data/config.json', '{"two": 2}');
  const entry = world.write(
    'plugins.js',
    [
      "import {helper} from './lib/deep.js';",
      "import {join} from 'node:path';",
      "import {readFileSync} from 'node:fs';",
      "import config from './data/config.json' with {type: 'json'};",
      "export const table = () => readFileSync(new URL('./data/table.json', import.meta.url));",
      "export const gone = () => import('./gone.js');",
      "export const plugins = [join('x', String(helper + config.two))];",
    ].join('\n'),
  );
  const {exports, code} = await loadModule(urlOf(entry));
  expect(exports).toMatchObject({plugins: ['x/3']});
  expect(code.map(({name, late}) => `${name}${late === undefined ? '' : ' late'}`)).toEqual([
    'plugins.js',
    'lib/deep.js',
    'helper.js',
    'lib/late.mjs late',
    'lib/later.mjs late',
    'data/config.json',
    'data/table.json late',
  ]);
  expect(code[2]?.sha256).toBe(sha256('export const helper = 1;'));
});

test('a file that a second module shares is what it was when the first was loaded', async () => {
  using world = new World();
  const shared = world.write('shared.js', 'export const k = 1;');
  const [a, b] = ['a.js', 'b.js'].map((name) => urlOf(world.write(name, "export {k} from './shared.js';")));
  await loadModule(a!);
  writeFileSync(shared, 'export const k = -1;');
  await expect(loadModule(b!)).rejects.toThrow(`${shared} changed after it was loaded`);
});

test('an edit while a module is loaded is seen, even one that is undone', async () => {
  using world = new World();
  const entry = world.write('edits.js', '');
  const edit = [
    "import {writeFileSync, readFileSync} from 'node:fs';",
    'const self = new URL(import.meta.url);',
    'const text = readFileSync(self);',
    "writeFileSync(self, '');",
    'writeFileSync(self, text);',
    'export const plugins = [];',
  ];
  world.write('edits.js', edit.join('\n'));
  await expect(loadModule(urlOf(entry))).rejects.toThrow(`${entry} changed while it was loaded`);
});

test('the same module is the one with the same code, in every file', async () => {
  using world = new World();
  world.write('extra.js', 'export {};');
  const entry = world.write('same.js', "import './extra.js';\nexport const plugins = ['here'];");
  const url = urlOf(entry);
  const {code} = await loadModule(url);
  expect(await loadSameModule({url, code})).toMatchObject({plugins: ['here']});
  const other = code.map((file) => (file.name === 'extra.js' ? {...file, sha256: sha256('before')} : file));
  await expect(loadSameModule({url, code: other})).rejects.toThrow('extra.js changed after the run began');
  await expect(loadSameModule({url, code: code.slice(0, 1)})).rejects.toThrow('extra.js changed after the run began');
  renameSync(`${world.root}/extra.js`, `${world.root}/away.js`);
  await expect(loadSameModule({url, code})).rejects.toThrow('extra.js changed after the run began');
});

test('a module that only the host of the run has is missed by name', async () => {
  using world = new World();
  const url = urlOf(world.write('mine.js', 'export const plugins = [];'));
  const {code} = await loadModule(url);
  renameSync(`${world.root}/mine.js`, `${world.root}/away.js`);
  await expect(loadSameModule({url, code})).rejects.toThrow(`mine.js, a module of plug-ins, is not on ${hostname()}`);
});

test('a link to a module is the module, with what lies beside it', async () => {
  using world = new World();
  world.write('real/helper.js', 'export const one = 1;');
  const entry = world.write('real/mine.js', "import './helper.js';\nexport const plugins = [];");
  symlinkSync(entry, `${world.root}/mine.js`);
  const {code} = await loadModule(urlOf(`${world.root}/mine.js`));
  expect(code.map(({name}) => name)).toEqual(['mine.js', 'helper.js']);
});
