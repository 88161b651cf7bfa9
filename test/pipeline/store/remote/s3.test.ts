// @module-tag slow
/** A store in a real bucket, whose server is killed, hangs, and loses bytes. */
import {execFile} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {CreateBucketCommand, ListMultipartUploadsCommand, S3Client} from '@aws-sdk/client-s3';
import {afterAll, afterEach, beforeAll, describe, expect, test} from 'vitest';
import {sha256} from '../../../../src/core/base/canonical.ts';
import {blobKey, folders} from '../../../../src/pipeline/store/remote/layout.ts';
import {remoteHeartbeat} from '../../../../src/pipeline/store/remote/lease.ts';
import type {ObjectStore} from '../../../../src/pipeline/store/remote/objects.ts';
import {askAgain} from '../../../../src/pipeline/store/remote/reach.ts';
import {openS3, patience} from '../../../../src/pipeline/store/remote/s3.ts';
import {Project, tableOf, tinySpec} from '../../../rig/command.ts';
import {machine, runOn} from '../../../rig/machines.ts';
import {type S3Server, startS3, whyNoS3} from '../../../rig/s3/server.ts';
import {commitEntry, freshCache, freshFolder} from '../../../rig/stores.ts';
import {fates, World} from '../../../rig/world.ts';
import {checkObjects} from './objects.ts';

describe.skipIf(whyNoS3 !== undefined)(`a bucket${whyNoS3 === undefined ? '' : ` (${whyNoS3})`}`, () => {
  let server: S3Server;
  let prefixes = 0;
  const outside = {...process.env};
  const usual = {patience: {...patience}, lease: {...remoteHeartbeat}, ask: {...askAgain}};

  beforeAll(async () => {
    server = await startS3(freshFolder());
    Object.assign(process.env, server.env);
    const client = new S3Client({forcePathStyle: true});
    await client.send(new CreateBucketCommand({Bucket: 'team'}));
    client.destroy();
  });
  afterAll(async () => {
    await server.stop();
    for (const name of Object.keys(server.env)) delete process.env[name];
    Object.assign(process.env, outside);
  });
  afterEach(() => {
    Object.assign(patience, usual.patience);
    Object.assign(remoteHeartbeat, usual.lease);
    Object.assign(askAgain, usual.ask);
  });

  const fresh = (): string => `test-${prefixes++}`;
  const open = (prefix = fresh()): ObjectStore => openS3('team', prefix);
  const keysOf = async (objects: ObjectStore, prefix: string): Promise<readonly string[]> => {
    const keys: string[] = [];
    for await (const {key} of objects.list(prefix)) keys.push(key);
    return keys;
  };

  checkObjects(open, 20_000_001); // in three parts

  test('more names than one answer has are listed', async () => {
    const objects = open();
    const names = Array.from({length: 1010}, (_, i) => `n/${String(i).padStart(4, '0')}`);
    for (let i = 0; i < names.length; i += 64)
      await Promise.all(names.slice(i, i + 64).map((name) => objects.write(name, Buffer.from(''))));
    expect(await keysOf(objects, 'n/')).toEqual(names);
  });

  test('an upload in parts that is broken off leaves no object, and its parts are swept', async () => {
    const prefix = fresh();
    const objects = open(prefix);
    const path = join(freshFolder(), 'large');
    writeFileSync(path, randomBytes(40_000_000));
    Object.assign(patience, {attempts: 1});
    const sent = objects.upload('large', path, 40_000_000, () => void server.kill('rgw'));
    await expect(sent).rejects.toMatchObject({kind: 'unreachable'});
    Object.assign(patience, usual.patience);
    await server.start();
    expect(await objects.size('large')).toBeUndefined();
    const uploads = async () => {
      const client = new S3Client({forcePathStyle: true});
      const {Uploads = []} = await client.send(new ListMultipartUploadsCommand({Bucket: 'team', Prefix: prefix}));
      return Uploads.length;
    };
    expect(await uploads()).toBe(1);
    await objects.sweep(Date.now() + 60_000);
    expect(await uploads()).toBe(0);
  });

  test('a server whose disk is dead does not hang a run: it goes on, and pushes when the disk is back', async () => {
    using world = new World();
    Object.assign(patience, {request: 500, attempts: 2});
    Object.assign(askAgain, {every: 0.2});
    const prefix = fresh();
    const one = machine(open(prefix));
    const waiting: Parameters<World['start']>[0] = {
      a: {
        script: [
          ['tell', 'a'],
          ['wait', 'go'],
        ],
      },
      b: {needs: ['a']},
      c: {needs: ['b']},
    };
    const happening = world.start(waiting, {cache: one.store.cache});
    await happening.told('a');
    await server.kill('osd'); // requests are taken, and never answered
    world.write('go');
    expect((await happening.outcome).outcome).toBe('done');
    expect(one.warnings).toEqual([
      expect.stringMatching(/can't be used: bucket team of \S+ does not answer \(no answer in time\)/),
    ]);
    await server.start();
    await expect.poll(() => one.notes, {timeout: 60_000}).toContain('the store the store answers again');
    await one.store.finish(new AbortController().signal);
    one.store.close();
    const two = machine(open(prefix));
    expect(fates(await runOn(world, two, waiting))).toEqual({
      a: 'cached',
      b: 'cached',
      c: 'cached',
    });
  });

  test('a wrong byte in the bucket is found and replaced', async () => {
    using world = new World();
    const prefix = fresh();
    const objects = open(prefix); // a run closes its own
    await runOn(world, machine(open(prefix)), {a: {}});
    await objects.write(blobKey(sha256('a()')), Buffer.from('b()'));
    const two = machine(open(prefix));
    expect(fates(await runOn(world, two, {a: {}}))).toEqual({a: 'computed'});
    expect(two.warnings).toEqual([expect.stringContaining('is damaged: out differs from its checksum')]);
    expect(String(await objects.read(blobKey(sha256('a()'))))).toBe('a()');
  });

  describe('with commands', () => {
    const project = new Project();
    afterAll(() => project[Symbol.dispose]());
    project.write('tiny.yaml', tinySpec({seeds: '2'}));

    test('two runners with caches of their own compute each stage once, and print the same table', async () => {
      const prefix = fresh();
      const store = `s3://team/${prefix}`;
      const runners = ['one', 'two'].map((runs) =>
        project.start(['run', 'tiny.yaml', '--json', '--runs', runs, '--store', store]),
      );
      const ends = await Promise.all(runners.map(({ended}) => ended));
      expect(ends.map(({status}) => status)).toEqual([0, 0]);
      const computed = runners.flatMap(({events}) =>
        events.flatMap((event) =>
          event.type === 'stage-finished' && event.how === 'computed' ? [event.fingerprint] : [],
        ),
      );
      expect(computed).toHaveLength(11);
      expect(new Set(computed).size).toBe(11);
      expect(await keysOf(open(prefix), folders.leases)).toEqual([]);
      const tables = ['one', 'two', 'three'].map(async (runs) =>
        tableOf((await project.run('compare', 'tiny', '--runs', runs, '--store', store)).out),
      );
      const [one, two, three] = await Promise.all(tables);
      expect([two, three]).toEqual([one, one]);
      // Nobody finds a secret in what is shared or kept.
      const {stdout} = await promisify(execFile)('grep', [
        '-rl',
        server.env['AWS_SECRET_ACCESS_KEY']!,
        project.folder,
      ]).catch(() => ({stdout: ''}));
      expect(stdout).toBe('');
    });

    test('the server is killed in the middle of a run, which ends with its table; the next run pushes the rest', async () => {
      const prefix = fresh();
      const store = `s3://team/${prefix}`;
      const run = project.start(['run', 'tiny.yaml', '--json', '--runs', 'killed', '--store', store]);
      await run.heard((event) => event.type === 'stage-finished');
      await server.kill('rgw');
      const {status} = await run.ended;
      expect(status).toBe(0);
      const said = run.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
      expect(said.filter((message) => message.includes("can't be used"))).toHaveLength(1);
      expect(run.events.some((event) => event.type === 'note' && event.message.includes('still to be pushed'))).toBe(
        true,
      );
      await server.start();
      expect((await project.run('run', 'tiny.yaml', '--quiet', '--runs', 'killed', '--store', store)).status).toBe(0);
      const other = await project.run('run', 'tiny.yaml', '--frozen', '--plain', '--runs', 'other', '--store', store);
      expect([other.status, other.out]).toEqual([0, expect.stringContaining('11 results were fetched')]);
      // Both runs of that machine are known, the killed one with its end.
      const listed = await project.run('store', 'pull', 'tiny', '--runs', 'third', '--store', store);
      expect(listed.out).toMatch(/^3 runs, /);
    });

    test('a push that was killed goes on where it was', async () => {
      const prefix = fresh();
      const store = `s3://team/${prefix}`;
      const cache = freshCache(project.path('large', 'cache'));
      for (let i = 0; i < 12; i++) await commitEntry(cache, `${i}`, {out: randomBytes(3_000_000).toString('hex')});
      const push = project.start(['store', 'push', '--runs', 'large', '--store', store]);
      const objects = open(prefix);
      await expect
        .poll(async () => (await keysOf(objects, folders.entries)).length, {timeout: 60_000, interval: 20})
        .toBeGreaterThan(1);
      process.kill(-push.child.pid!, 'SIGKILL');
      expect((await push.ended).status).toBe('SIGKILL');
      const there = (await keysOf(objects, folders.entries)).length;
      expect(there).toBeLessThan(12);
      const again = await project.run('store', 'push', '--runs', 'large', '--json', '--store', store);
      expect(JSON.parse(again.out)).toMatchObject({entries: 12 - there, there, failed: 0});
      expect((await project.run('store', 'verify', '--store', store)).out).toContain('nothing is damaged');
    });
  });
});
