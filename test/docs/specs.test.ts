/** Every `yaml` block of a document is a spec, or a site file, that validation accepts. */
import {basename} from 'node:path';
import {expect, test} from 'vitest';
import {parseSource} from '../../src/pipeline/config/parse.ts';
import {readSite} from '../../src/pipeline/config/site.ts';
import {stageKinds} from '../../src/pipeline/stages/index.ts';
import {Project} from '../rig/command.ts';
import {type Block, blocksOf, fileOf, handWritten} from './documents.ts';

const isSite = ({text}: Block): boolean => text.includes('schemas/site.schema.json');
const yaml = handWritten.flatMap(blocksOf).filter(({language}) => language === 'yaml');
const specs = yaml.filter((block) => !isSite(block));

test('site files are valid', async () => {
  using project = new Project();
  for (const block of yaml.filter(isSite)) {
    project.write('site.yaml', block.text);
    expect(await readSite(project.path('site.yaml'), stageKinds)).toMatchObject({ok: true});
  }
});

test('every language of a block has a check', () => {
  const checked = ['yaml', 'sh', 'js', 'ts', 'sql', 'python', 'text', ''];
  const others = handWritten.flatMap(blocksOf).filter(({language}) => !checked.includes(language));
  expect(others.map(({place, language}) => `${place} ${language}`)).toEqual([]);
});

test('specs are valid', async () => {
  using project = new Project();
  project.install();
  project.write('package.json', '{"type": "module"}');
  for (const block of handWritten.flatMap(blocksOf)) {
    const file = fileOf(block);
    if (block.language === 'js' && file) project.write(basename(file), block.text);
  }
  const files = specs.map((block, i) => {
    const file = `${i}.yaml`;
    project.write(file, block.text);
    return file;
  });
  expect(files.length).toBeGreaterThan(15);
  const {status, err} = await project.run('validate', ...files);
  const named = (text: string): string => text.replaceAll(/^\S* ?(\d+)\.yaml/gm, (_, i) => specs[Number(i)]!.place);
  // Data of documents is not here; whatever else is said is a problem.
  const others = err.split('\n').filter((line) => !/^warning: \d+\.yaml: missing data: /.test(line));
  expect([status, named(others.join('\n'))]).toEqual([0, '']);
});

test('every spec in the documents is complete', () => {
  const keysOf = (block: Block): readonly string[] => {
    const source = parseSource(block.text, block.place);
    if (!source.ok) throw new Error(`${block.place}: ${source.failures[0]!.message}`);
    return Object.keys(source.value.value as object);
  };
  const partial = specs.filter((block) => {
    const keys = keysOf(block);
    return !keys.includes('suite') && !(keys.includes('dataset') && keys.includes('classifiers'));
  });
  expect(partial.map(({place}) => place)).toEqual([]);
});
