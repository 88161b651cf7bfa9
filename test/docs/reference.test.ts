// @module-tag slow
/** `docs/reference/` is what the code says, and what it shows is true: examples run, events are as described. */
import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {beforeAll, expect, test, vi} from 'vitest';
import {plugins} from '../../src/builtin.ts';
import {builtinPlugins} from '../../src/surface/cli/builtin.ts';
import {events} from '../../src/surface/reference/events.ts';
import {needsFiles, specWith} from '../../src/surface/reference/examples.ts';
import {referencePages} from '../../src/surface/reference/index.ts';
import {Project, packageFolder} from '../rig/command.ts';

const folder = join(packageFolder, 'docs', 'reference');
let pages: ReadonlyMap<string, string>;
beforeAll(async () => {
  for (const name of ['PIPELINE_RUNS', 'PIPELINE_DATA', 'PIPELINE_ENGINE']) vi.stubEnv(name, undefined);
  const {program} = await import('../../src/surface/cli/main.ts');
  pages = await referencePages(program, builtinPlugins());
});

test('the committed pages are those of the code: otherwise run `npm run docs`', () => {
  expect(readdirSync(folder).sort()).toEqual([...pages.keys()].sort());
  for (const [name, text] of pages)
    expect({name, text: readFileSync(join(folder, name), 'utf8')}).toEqual({name, text});
});

test('examples of plug-ins that need no files run; the others are valid', {timeout: 600_000}, async () => {
  using project = new Project();
  const example = (definition: (typeof plugins)[number]) => ({
    file: `${definition.kind}-${definition.name}.yaml`,
    text: specWith(definition),
    runs: !needsFiles(definition),
  });
  const examples = plugins.map(example);
  for (const {file, text} of examples) project.write(file, text);
  const others = examples.filter(({runs}) => !runs).map(({file}) => file);
  expect(others.length).toBeGreaterThan(0);
  const checked = await project.run('validate', ...others);
  const said = checked.err.split('\n').filter((line) => !/^warning: \S+\.yaml: missing data: /.test(line));
  expect([checked.status, said.join('\n')]).toEqual([0, '']);

  const running = examples.filter(({runs}) => runs).map(({file}) => file);
  project.write('all.yaml', `suite: [${running.join(', ')}]\n`);
  const {status, out, err} = await project.run('run', 'all.yaml', '--json');
  expect([status, err]).toEqual([0, '']);

  const described = events as {readonly [type: string]: {readonly fields: {readonly [field: string]: string}}};
  for (const line of out.trimEnd().split('\n')) {
    const {type, at, ...fields} = JSON.parse(line) as {type: string; at: string; [field: string]: unknown};
    if (!described[type]) continue; // the comparison at the end
    expect(Object.keys(fields).filter((field) => described[type]!.fields[field] === undefined)).toEqual([]);
    const required = Object.entries(described[type].fields).filter(([, text]) => !/optional|absent/.test(text));
    expect({type, missing: required.filter(([field]) => !(field in fields))}).toEqual({type, missing: []});
  }
});
