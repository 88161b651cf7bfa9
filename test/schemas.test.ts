import {readdirSync, readFileSync} from 'node:fs';
import {Ajv} from 'ajv';
import {expect, test} from 'vitest';
import {plugins as builtin} from '../src/builtin.ts';
import {Plugins} from '../src/core/plugin/registry.ts';
import {readPlan} from '../src/pipeline/config/expand.ts';
import {parseSource} from '../src/pipeline/config/parse.ts';
import {pipelineSchema, pipelineSchemaText} from '../src/pipeline/config/schema.ts';
import {siteSchemaText} from '../src/pipeline/config/site.ts';
import {stageKinds} from '../src/pipeline/stages/index.ts';
import {fakePlugins} from './rig/fake-plugins.ts';

const known = new Plugins(builtin);
const schemaFile = new URL('../schemas/pipeline.schema.json', import.meta.url);
const specs = readdirSync('pipelines', {recursive: true, encoding: 'utf8'})
  .filter((name) => name.endsWith('.yaml'))
  .sort()
  .map((name) => `pipelines/${name}`);

const compiled = (plugins: Plugins) => new Ajv({strict: false}).compile(pipelineSchema(plugins));
const ofBuiltin = compiled(known);
const ofFakes = compiled(fakePlugins());
const parse = (text: string, file = 'a.yaml'): unknown => {
  const source = parseSource(text, file);
  if (!source.ok) throw new Error(source.failures.map(({message}) => message).join('\n'));
  return source.value.value;
};

test('the committed schema is that of the plug-ins: otherwise run `npm run schemas`', () => {
  expect(readFileSync(schemaFile, 'utf8')).toBe(pipelineSchemaText(known));
});

test('the committed schema of site files is that of the code, and editors accept what we do', () => {
  const text = readFileSync(new URL('../schemas/site.schema.json', import.meta.url), 'utf8');
  expect(text).toBe(siteSchemaText(stageKinds));
  const editor = new Ajv({strict: false}).compile(JSON.parse(text));
  const isAccepted = (site: string) => editor(parse(site));
  expect(isAccepted('resources: {default: {time: 8h}, learn: {gpus: 1, memory: 32G}}\nat_once: 4')).toBe(true);
  expect(isAccepted('before: [module load x]')).toBe(true);
  expect(isAccepted('resources: {lern: {gpus: 1}}')).toBe(false);
  expect(isAccepted('resources: {learn: {time: soon}}')).toBe(false);
});

test.for(specs)('%s is valid, for editors and for us', async (file) => {
  ofBuiltin(parse(readFileSync(file, 'utf8'), file));
  expect(ofBuiltin.errors).toBeNull();
  expect(await readPlan(file, {builtin: known})).toMatchObject({ok: true});
});

const good = [
  'dataset: pets\nlearner: untrained\nclassifiers: [kde]',
  'dataset: {type: pets, size: 8, inliers: all, limit: {train: 5}}\nlearner: {type: contrastive}\nclassifiers: [{type: svm}]',
  'name: a\nplugins: ./x.js\ndataset: {type: pets, inliers: [cat]}\nmatrix: {learner: [untrained]}\nclassifiers: [kde]',
  'dataset: pets\nlearner: {type: contrastive, network: tiny}\naugment: [crop, hflip: , crop: {min_side: 1}, {type: crop}]\nclassifiers: [kde]\nseeds: [1, 2]\nmetrics: [auc]\ncompare: {table: t}',
  'suite: [a.yaml]\ncompare: {table: t}',
];

test.for(good)('editors accept: %s', (text) => {
  ofFakes(parse(text));
  expect(ofFakes.errors).toBeNull();
});

const bad = [
  'lerner: 3',
  'dataset: petz',
  'learner: {type: contrastive, epochs: 0}',
  'learner: {type: contrastive, network: {type: headless, head: []}}',
  'augment: [{crop: {min_side: 3}}]',
  'augment: [{crop: {}, hflip: {}}]',
  'matrix: {learner.epochs: 3}',
  'seeds: 0',
  'suite: []',
  'suite: [a.yaml]\nlearner: untrained',
];

test.for(bad)('editors mark: %s', (text) => {
  expect(ofFakes(parse(text))).toBe(false);
});

test('the schema of a plug-in has options with descriptions and defaults, and references to nested plug-ins', () => {
  const {definitions} = pipelineSchema(fakePlugins()) as unknown as {
    definitions: {learner: {oneOf: {title?: string}[]}; transform: {oneOf: {title?: string}[]}};
  };
  const branch = definitions.learner.oneOf.find(({title}) => title === 'contrastive');
  expect(branch).toMatchInlineSnapshot(`
    {
      "additionalProperties": false,
      "description": "Tell instances apart. (ICLR 2021, section 3)",
      "properties": {
        "batch": {
          "default": 32,
          "maximum": 4096,
          "minimum": 2,
          "type": "integer",
        },
        "epochs": {
          "default": 100,
          "description": "Passes over the training set.",
          "minimum": 1,
          "type": "integer",
        },
        "loss": {
          "anyOf": [
            {
              "const": "nce",
              "type": "string",
            },
            {
              "const": "triplet",
              "type": "string",
            },
          ],
          "default": "nce",
        },
        "network": {
          "allOf": [
            {
              "$ref": "#/definitions/network",
            },
          ],
          "default": {
            "head": [
              128,
            ],
            "type": "tiny",
            "width": 0.5,
          },
          "description": "The encoder.",
        },
        "optimizer": {
          "additionalProperties": false,
          "default": {},
          "properties": {
            "learning_rate": {
              "default": 0.01,
              "exclusiveMinimum": 0,
              "type": "number",
            },
            "schedule": {
              "anyOf": [
                {
                  "const": "cosine",
                  "type": "string",
                },
                {
                  "const": "constant",
                  "type": "string",
                },
              ],
              "default": "cosine",
            },
          },
          "required": [],
          "type": "object",
        },
        "temperature": {
          "default": 0.2,
          "exclusiveMinimum": 0,
          "type": "number",
        },
        "type": {
          "const": "contrastive",
          "description": "Tell instances apart.",
        },
      },
      "required": [
        "type",
      ],
      "title": "contrastive",
      "type": "object",
    }
  `);
  expect(definitions.transform.oneOf.filter(({title}) => title === 'crop')).toMatchInlineSnapshot(`
    [
      {
        "additionalProperties": false,
        "description": "A random crop.",
        "properties": {
          "min_side": {
            "default": 0.5,
            "exclusiveMinimum": 0,
            "maximum": 1,
            "type": "number",
          },
          "type": {
            "const": "crop",
            "description": "A random crop.",
          },
        },
        "required": [
          "type",
        ],
        "title": "crop",
        "type": "object",
      },
      {
        "additionalProperties": false,
        "description": "A random crop.",
        "properties": {
          "crop": {
            "additionalProperties": false,
            "description": "A random crop.",
            "properties": {
              "min_side": {
                "default": 0.5,
                "exclusiveMinimum": 0,
                "maximum": 1,
                "type": "number",
              },
            },
            "required": [],
            "type": [
              "object",
              "null",
            ],
          },
        },
        "required": [
          "crop",
        ],
        "title": "crop",
        "type": "object",
      },
    ]
  `);
});
