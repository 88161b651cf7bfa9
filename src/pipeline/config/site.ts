/** A site file: how a cluster is used. Read, checked and explained as a spec is. */
import {existsSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fail, type Result, succeed} from '../../core/base/result.ts';
import {checkValue, type Issue} from '../../core/plugin/check.ts';
import {type Schema, show} from '../../core/plugin/describe.ts';
import {type Static, Type} from '../../core/plugin/type.ts';
import type {Problem} from '../failures.ts';
import {readSource} from './read.ts';
import {plain} from './schema.ts';
import {toProblem} from './suite.ts';

const strict = {additionalProperties: false} as const;

const time = (description: string) =>
  Type.String({
    pattern: String.raw`^(?=.*[1-9])(\d+(\.\d+)? ?(min|h|d)|(\d+-)?\d{1,2}:\d\d:\d\d)$`,
    'x-expected': 'a time above 0 in min, h or d, such as 90min, 8h or 2d, or days and hours such as 1-12:00:00',
    description,
    examples: ['8h'],
  });

const memory = (description: string) =>
  Type.String({
    pattern: String.raw`^(?=.*[1-9])\d+(\.\d+)? ?[MGT]B?$`,
    'x-expected': 'an amount of memory above 0 in M, G or T, such as 800M, 32G or 1T',
    description,
    examples: ['32G'],
  });

/** A line of a script: an option of sbatch, or shell. */
const line = Type.String({minLength: 1, pattern: String.raw`^[^\n\r]*$`, 'x-expected': 'one line of text'});
/** A name as sbatch takes it. */
const word = (description: string) =>
  Type.String({pattern: String.raw`^[^\s"'\\]+$`, 'x-expected': 'a name without spaces', description});

const resourceKeys = {
  partition: Type.Optional(word('Partition, or several separated by commas.')),
  account: Type.Optional(word('Account that is charged.')),
  qos: Type.Optional(word('Quality of service.')),
  time: Type.Optional(time('Time limit. A training that needs longer continues from its checkpoint in the next job.')),
  time_max: Type.Optional(
    time('A job that ended at its time limit without progress is submitted again with more time, up to this.'),
  ),
  memory: Type.Optional(memory('Memory of a node that a job gets.')),
  memory_max: Type.Optional(memory('A job whose memory ran out is submitted again with more memory, up to this.')),
  cpus: Type.Optional(Type.Integer({minimum: 1, description: 'Cores.'})),
  gpus: Type.Optional(Type.Integer({minimum: 0, description: 'GPUs.'})),
  gres: Type.Optional(word('Other generic resources, or a kind of GPU, such as `gpu:a100:1`.')),
  constraint: Type.Optional(line),
  extra: Type.Optional(
    Type.Array(line, {description: 'Further options of sbatch, one in each line, such as `--exclude=node7`.'}),
  ),
};

export const resourcesShape = Type.Object(resourceKeys, strict);

export const siteShape = Type.Object(
  {
    resources: Type.Record(Type.String(), resourcesShape, {
      default: {},
      'x-expected': 'a mapping of kinds of stages (default, learn, data, …) to resources',
      description:
        'Kind of stage (`learn`, `data`, `ensemble`, …) → what its jobs ask for. What a kind does not say is taken from `default`. The small ' +
        'stages that follow a training run in its job.',
      examples: [{default: {partition: 'cpu', time: '1h'}, learn: {partition: 'gpu', gpus: 1, time: '8h'}}],
    }),
    before: Type.Array(line, {
      default: [],
      description: 'Lines of shell that run before each job, such as `module load nodejs`.',
    }),
    command: Type.Optional(
      Type.String({
        minLength: 1,
        pattern: String.raw`^[^\n\r]*$`,
        description: 'How a node starts this program. Default: the same Node and the same files as here.',
      }),
    ),
    scratch: Type.Optional(
      Type.String({
        minLength: 1,
        pattern: String.raw`^[^\n\r"]*$`,
        description:
          'Folder on the node for temporary files; variables of the shell are filled in. Default: what the node says.',
        examples: ['/scratch/$USER'],
      }),
    ),
    at_once: Type.Optional(
      Type.Integer({
        minimum: 1,
        description: 'At most so many jobs of one array run at the same time. Default: no limit.',
      }),
    ),
    most_jobs: Type.Optional(
      Type.Integer({
        minimum: 1,
        description:
          'At most so many jobs are submitted at the same time; the others follow as these end. Default: no limit.',
      }),
    ),
    tasks_per_gpu: Type.Integer({
      minimum: 1,
      maximum: 64,
      default: 1,
      description: 'So many trainings share a job and its GPU, side by side.',
    }),
    poll: Type.Number({
      minimum: 0.2,
      maximum: 600,
      default: 10,
      description: 'Seconds between two questions to the scheduler; one question is about all jobs.',
    }),
    notice: Type.Integer({
      minimum: 1,
      maximum: 3600,
      default: 120,
      description: 'So many seconds before its time limit a job is asked to write a checkpoint and to end.',
    }),
    retries: Type.Integer({
      minimum: 0,
      maximum: 100,
      default: 3,
      description:
        'A job that ended without a result is submitted again so many times. A job that has come further than the one before does not count.',
    }),
    growth: Type.Number({
      minimum: 1,
      maximum: 10,
      default: 2,
      description: 'More memory or time is so many times as much.',
    }),
  },
  strict,
);

export type Site = Static<typeof siteShape>;
export type Resources = Static<typeof resourcesShape>;

/** JSON Schema (draft-07) of site files, for editors. `kinds`: of stages. */
export function siteSchemaText(kinds: readonly string[]): string {
  const site = plain(siteShape as unknown as Schema);
  const one = plain(resourcesShape as unknown as Schema);
  const {patternProperties: _, ...resources} = site.properties!['resources']!;
  const properties = Object.fromEntries(['default', ...kinds].map((kind) => [kind, {$ref: '#/definitions/resources'}]));
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Site',
    description: 'How a cluster is used (pipeline run --executor slurm).',
    ...site,
    properties: {...site.properties, resources: {...resources, properties, additionalProperties: false}},
    required: [],
    definitions: {resources: one},
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

/** What holds without a site file. */
export const defaultSite = (): Site => checkSite({}).value;

const checkSite = (value: unknown) =>
  checkValue<Site>(siteShape as unknown as Schema, value, {path: [], noun: 'key', subject: 'a site file'});

/** `kinds`: of stages, for `resources`. */
export async function readSite(file: string, kinds: readonly string[]): Promise<Result<Site, Problem>> {
  const source = await readSource(file);
  if (!source.ok) return source;
  const {value} = source.value;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return fail({message: `expected a mapping such as "resources: …", but got ${show(value)}`, file});
  const {value: site, issues} = checkSite(value);
  const all = [...issues, ...(issues.length > 0 ? [] : resourceIssues(site, kinds))];
  return all.length > 0 ? fail(...all.map((issue) => toProblem(source.value, issue))) : succeed(site);
}

/** Options of sbatch by which jobs are found, or which would change what `sbatch` answers. */
const ours =
  /^(--(array|comment|output|open-mode|signal|chdir|wait|test-only|parsable|wrap|job-name|no-requeue)|-[aoDWJ])(?=[= ]|$)/;

/** What the schema can't say. */
function resourceIssues({resources: byKind}: Site, kinds: readonly string[]): readonly Issue[] {
  return Object.entries(byKind).flatMap(
    ([kind, {time, time_max, memory, memory_max, extra = []}]): readonly Issue[] => {
      const at = (key: string) => ['resources', kind, key];
      const isLess = (most: number | undefined, first: number | undefined) =>
        most !== undefined && first !== undefined && most < first;
      const base = byKind['default'] ?? {};
      return [
        ...(kind === 'default' || kinds.includes(kind)
          ? []
          : [
              {
                path: ['resources', kind],
                at: 'key' as const,
                message: `there is no kind of stage "${kind}"`,
                hint: `Kinds of stages: default, ${kinds.join(', ')}.`,
              },
            ]),
        ...extra.flatMap((option, at): readonly Issue[] => {
          const name = ours.exec(option)?.[0];
          return name === undefined
            ? []
            : [
                {
                  path: ['resources', kind, 'extra', at],
                  at: 'value' as const,
                  message: `${name} is set by this program, which finds its jobs and their logs by it`,
                  hint: 'Leave it out.',
                },
              ];
        }),
        ...(isLess(minutesOf(time_max), minutesOf(time ?? base.time))
          ? [{path: at('time_max'), at: 'value' as const, message: '"time_max" is less than "time"'}]
          : []),
        ...(isLess(megabytesOf(memory_max), megabytesOf(memory ?? base.memory))
          ? [{path: at('memory_max'), at: 'value' as const, message: '"memory_max" is less than "memory"'}]
          : []),
      ];
    },
  );
}

/** Where a site file is looked for, in this order: the option, beside the spec, in the folder of runs. undefined: there is none. */
export function findSite(asked: string | undefined, spec: string, runs: string): string | undefined {
  if (asked !== undefined) return asked;
  return [join(dirname(spec), 'site.yaml'), join(runs, 'site.yaml')].find((file) => existsSync(file));
}

/** Whole minutes, at least 1. */
export function minutesOf(text: string): number;
export function minutesOf(text: string | undefined): number | undefined;
export function minutesOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, amount, unit] = /^([\d.]+) ?(min|h|d)$/.exec(text) ?? [];
  if (amount !== undefined) return Math.max(1, Math.round(Number(amount) * {min: 1, h: 60, d: 1440}[unit as 'min']));
  const [, days = '0', hours, minutes, seconds] = /^(?:(\d+)-)?(\d+):(\d+):(\d+)$/.exec(text) ?? [];
  return Math.max(1, Number(days) * 1440 + Number(hours) * 60 + Number(minutes) + Math.round(Number(seconds) / 60));
}

/** Megabytes of 2²⁰ bytes, as sbatch counts; at least 1, because sbatch takes 0 for all memory of a node. */
export function megabytesOf(text: string): number;
export function megabytesOf(text: string | undefined): number | undefined;
export function megabytesOf(text: string | undefined): number | undefined {
  const [, amount, unit] = /^([\d.]+) ?([MGT])B?$/.exec(text ?? '') ?? [];
  return amount === undefined
    ? undefined
    : Math.max(1, Math.round(Number(amount) * {M: 1, G: 1024, T: 1024 ** 2}[unit as 'M']));
}
