import {expect, test} from 'vitest';
import type {Task} from '../../../src/pipeline/config/spec.ts';
import type {Growth} from '../../../src/pipeline/execute/executor.ts';
import {fates, told, World} from '../../rig/world.ts';

const task = (id: string): Task => ({id}) as Task;

/** Adds the stages one after the other, each when the one before has ended. */
const oneByOne = (world: World, ids: readonly string[], needs: readonly string[] = []): Growth => ({
  async grow(run) {
    for (const id of ids) {
      const [node] = world.graph({[id]: {needs}});
      run.add({tasks: [task(`t/${id}`)], stages: [{...node!, tasks: [`t/${id}`]}]});
      await run.outcomeOf(id);
    }
  },
});

test('stages that are added while the run goes on are run, counted and reported', async () => {
  using world = new World();
  const done = await world.run({data: {}}, {growth: oneByOne(world, ['one', 'two'], ['data'])});
  expect(fates(done)).toEqual({data: 'computed', one: 'computed', two: 'computed'});
  expect(done.computed).toBe(3);
  expect(world.journal).toEqual(['start data', 'end data', 'start one', 'end one', 'start two', 'end two']);
  expect(told(done.events, 'plan-grown')).toMatchObject([
    {tasks: [{id: 't/one'}], stages: [{id: 'one', tasks: ['t/one'], inputs: {'input 1': {stage: 'data'}}}], shared: []},
    {tasks: [{id: 't/two'}], stages: [{id: 'two'}], shared: []},
  ]);
  const again = await world.run({data: {}}, {growth: oneByOne(world, ['one', 'two'], ['data'])});
  expect(fates(again)).toEqual({data: 'cached', one: 'cached', two: 'cached'});
});

test('a stage that is there already is not run again, and serves the new task as well', async () => {
  using world = new World();
  const growth: Growth = {
    async grow(run) {
      const [data, score] = world.graph({data: {}, score: {needs: ['data']}});
      run.add({
        tasks: [task('t/b')],
        stages: [
          {...data!, tasks: ['t/b'], results: [{task: 't/b', classifier: 'kde'}]},
          {...score!, tasks: ['t/b']},
        ],
      });
    },
  };
  const done = await world.run({data: {}}, {growth});
  expect(world.journal).toEqual(['start data', 'end data', 'start score', 'end score']);
  expect(told(done.events, 'plan-grown')).toMatchObject([
    {stages: [{id: 'score'}], shared: [{id: 'data', tasks: ['t/b'], results: [{task: 't/b', classifier: 'kde'}]}]},
  ]);
});

test('a failed stage is an outcome for what plans more, and the run goes on', async () => {
  using world = new World();
  const growth: Growth = {
    async grow(run) {
      run.add({tasks: [], stages: world.graph({bad: {script: [['fail', 'no luck']]}})});
      expect(await run.outcomeOf('bad')).toMatchObject({status: 'failed'});
      run.add({tasks: [], stages: world.graph({good: {}})});
    },
  };
  const done = await world.run({}, {growth});
  expect(fates(done)).toEqual({bad: 'failed', good: 'computed'});
  expect(done.outcome).toBe('failed');
});

test('after an interruption, what is added is not run', async () => {
  using world = new World();
  const happening = world.start(
    {},
    {
      growth: {
        async grow(run) {
          run.add({
            tasks: [],
            stages: world.graph({
              long: {
                script: [
                  ['tell', 'long'],
                  ['wait', 'never'],
                ],
              },
            }),
          });
          await run.outcomeOf('long');
          run.add({tasks: [], stages: world.graph({late: {}})});
        },
      },
    },
  );
  await happening.told('long');
  happening.interrupt();
  const outcome = await happening.outcome;
  expect(outcome.outcome).toBe('interrupted');
  expect(world.journal).not.toContain('start late');
});

test('an error of what plans ends the run', async () => {
  using world = new World();
  const growth: Growth = {
    grow: async () => {
      throw new Error('planned wrongly');
    },
  };
  await expect(world.run({data: {}}, {growth})).rejects.toThrow('planned wrongly');
});

test('a stage that resumes another gets its folder, and has the key that it has without', async () => {
  using world = new World();
  const growth = (resumes: boolean): Growth => ({
    async grow(run) {
      run.add({tasks: [], stages: world.graph({short: {}})});
      await run.outcomeOf('short');
      const [long] = world.graph({long: {script: [['earlier']]}});
      run.add({tasks: [], stages: [{...long!, ...(resumes && {resumes: 'short'})}]});
    },
  });
  const first = await world.run({}, {growth: growth(true)});
  expect(world.journal).toContain('earlier short()');
  const second = await world.run({}, {growth: growth(false)});
  expect(fates(first)).toEqual({short: 'computed', long: 'computed'});
  expect(fates(second)).toEqual({short: 'cached', long: 'cached'});
});
