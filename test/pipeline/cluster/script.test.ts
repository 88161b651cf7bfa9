import {expect, test} from 'vitest';
import {canGrow, noGrowth, requestOf, scriptText} from '../../../src/pipeline/cluster/script.ts';
import {arraysOf} from '../../../src/pipeline/cluster/submit.ts';
import {defaultSite, megabytesOf, minutesOf, type Site} from '../../../src/pipeline/config/site.ts';
import {load} from './rig.ts';

const site = (changes: Partial<Site> = {}): Site => ({...defaultSite(), ...changes});

const gpus = site({
  resources: {
    default: {partition: 'cpu', time: '1h', memory: '8G'},
    learn: {partition: 'gpu', gpus: 1, time: '8h', time_max: '12h', memory_max: '20G', extra: ['--exclude=n7']},
  },
  before: ['module load nodejs'],
  command: 'apptainer exec pipeline.sif pipeline',
  scratch: '/scratch/$USER',
  at_once: 20,
  tasks_per_gpu: 2,
});

test('a script says what the site asks for, and runs one command', () => {
  const script = scriptText({
    site: gpus,
    request: requestOf(gpus, 'learn'),
    name: 'my sweep',
    comment: 'pipeline:run/b1',
    folder: '/home/me/100% mine/runs/run/jobs/b1',
    count: 200,
    cwd: '/home/me',
    command: ['/usr/bin/node', '/opt/pipeline/bin/pipeline.js'],
  });
  expect(script).toMatchInlineSnapshot(`
    "#!/bin/bash
    #SBATCH --job-name=pipeline-my-sweep
    #SBATCH --comment=pipeline:run/b1
    #SBATCH --array=0-199%20
    #SBATCH --output="/home/me/100%% mine/runs/run/jobs/b1/%a.log"
    #SBATCH --open-mode=append
    #SBATCH --requeue
    #SBATCH --signal=B:USR1@120
    #SBATCH --chdir=/home/me
    #SBATCH --nodes=1
    #SBATCH --partition=gpu
    #SBATCH --time=480
    #SBATCH --mem=8192M
    #SBATCH --gres=gpu:1
    #SBATCH --exclude=n7
    trap : USR1
    module load nodejs
    export TMPDIR="/scratch/$USER"
    mkdir -p "$TMPDIR"
    export TF_FORCE_GPU_ALLOW_GROWTH=true
    exec apptainer exec pipeline.sif pipeline stage '/home/me/100% mine/runs/run/jobs/b1' "$SLURM_ARRAY_TASK_ID"
    "
  `);
});

test('without a site file a script asks for nothing', () => {
  const options = {
    request: requestOf(site(), 'data'),
    name: 'x',
    comment: 'c',
    folder: '/f',
    count: 1,
    cwd: '/',
    command: ['/n ode', 'p.js'],
  };
  expect(scriptText({site: site(), ...options})).toMatchInlineSnapshot(`
    "#!/bin/bash
    #SBATCH --job-name=pipeline-x
    #SBATCH --comment=c
    #SBATCH --array=0-0
    #SBATCH --output=/f/%a.log
    #SBATCH --open-mode=append
    #SBATCH --requeue
    #SBATCH --signal=B:USR1@120
    #SBATCH --chdir=/
    #SBATCH --nodes=1
    trap : USR1
    exec '/n ode' p.js stage /f "$SLURM_ARRAY_TASK_ID"
    "
  `);
});

test('memory and time grow up to their maxima, and not without one', () => {
  expect(requestOf(gpus, 'learn', {time: 1, memory: 1})).toMatchObject({minutes: 720, megabytes: 16_384});
  expect(requestOf(gpus, 'learn', {time: 2, memory: 2})).toMatchObject({minutes: 720, megabytes: 20_480});
  expect(canGrow(gpus, 'learn', {time: 0, memory: 1}, 'memory')).toBe(true);
  expect(canGrow(gpus, 'learn', {time: 1, memory: 2}, 'memory')).toBe(false);
  expect(canGrow(gpus, 'learn', {time: 1, memory: 2}, 'time')).toBe(false);
  expect(canGrow(gpus, 'data', noGrowth, 'time')).toBe(false);
  expect(canGrow(site(), 'learn', noGrowth, 'memory')).toBe(false);
});

test('a job of a minute is asked to end in the middle of it, not before it starts', () => {
  const request = {minutes: 1};
  const options = {name: 'x', comment: 'c', folder: '/f', count: 1, cwd: '/', command: ['p']};
  expect(scriptText({site: site(), request, ...options})).toContain('--signal=B:USR1@30\n');
});

test('times and amounts of memory', () => {
  expect(['90min', '8h', '1.5 h', '2d', '1-12:00:00', '00:30:00', '00:00:10'].map((text) => minutesOf(text))).toEqual([
    90, 480, 90, 2880, 2160, 30, 1,
  ]);
  expect(['800M', '32G', '1.5 GB', '1T', '0.1M'].map((text) => megabytesOf(text))).toEqual([
    800, 32_768, 1536, 1_048_576, 1,
  ]);
});

const shapes = (arrays: ReturnType<typeof arraysOf>['arrays']) =>
  arrays.map(({loads}) => loads.map(({units}) => units.map(({root}) => root.id).join(' + ')));

test('ready units of equal resources make one array', () => {
  const own = site({...gpus, tasks_per_gpu: 1});
  const loads = [load('learn:a'), load('data'), load('learn:b'), load('ensemble')];
  const {arrays} = arraysOf(loads, own, {most: 1000, room: 1000});
  expect(shapes(arrays)).toEqual([
    ['learn:a', 'learn:b'],
    ['data', 'ensemble'],
  ]);
});

test('several trainings share a job with a GPU, unless they were submitted before; others do not', () => {
  const again = load('learn:again', {jobs: 1});
  const loads = [load('learn:a'), again, load('learn:b'), load('learn:c'), load('data:1'), load('data:2')];
  expect(shapes(arraysOf(loads, gpus, {most: 1000, room: 1000}).arrays)).toEqual([
    ['learn:again', 'learn:a + learn:b', 'learn:c'],
    ['data:1', 'data:2'],
  ]);
});

test('what needs more memory than others is an array of its own', () => {
  const own = site({...gpus, tasks_per_gpu: 1});
  const loads = [load('learn:a'), load('learn:b', {grown: {time: 0, memory: 1}})];
  expect(arraysOf(loads, own, {most: 1000, room: 1000}).arrays.map(({request}) => request.megabytes)).toEqual([
    8192, 16_384,
  ]);
});

test('arrays are split at the limit of the cluster, and what has no room waits', () => {
  const loads = Array.from({length: 25}, (_, i) => load(`data:${i}`));
  const {arrays, rest} = arraysOf(loads, site(), {most: 10, room: 22});
  expect(arrays.map((array) => array.loads.length)).toEqual([10, 10, 2]);
  expect(rest).toEqual(loads.slice(22));
  expect(arraysOf(loads, site(), {most: 10, room: -3})).toEqual({arrays: [], rest: loads});
});
