/** A bucket whose server takes requests and never answers them. */
import {once} from 'node:events';
import {writeFileSync} from 'node:fs';
import {createServer} from 'node:http';
import type {AddressInfo} from 'node:net';
import {join} from 'node:path';
import {afterEach, expect, test, vi} from 'vitest';
import {StoreError} from '../../../../src/pipeline/store/remote/objects.ts';
import {openS3} from '../../../../src/pipeline/store/remote/s3.ts';
import {connectStore} from '../../../../src/pipeline/store/remote/session.ts';
import {machine} from '../../../rig/machines.ts';
import {commitEntry, disturbed, freshFolder, freshStore} from '../../../rig/stores.ts';

afterEach(() => vi.unstubAllEnvs());

function useServer(address: string): void {
  vi.stubEnv('AWS_ENDPOINT_URL_S3', address);
  vi.stubEnv('AWS_REGION', 'here');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
}

test('closing a store ends what its server has not answered, and all connections', async () => {
  let requests = 0;
  const server = createServer(() => requests++).listen(0, '127.0.0.1');
  await once(server, 'listening');
  useServer(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const objects = openS3('team', 'a');
  const path = join(freshFolder(), 'large');
  writeFileSync(path, Buffer.alloc(20_000_000));
  const asked = [objects.size('a'), objects.read('a'), objects.upload('a', path, 20_000_000)];
  const ends = Promise.allSettled(asked);
  await expect.poll(() => requests).toBe(asked.length);
  objects.close();
  for (const end of await ends) expect(end).toMatchObject({status: 'rejected', reason: expect.any(StoreError)});
  await expect(objects.size('a')).rejects.toThrow('its connections are closed');
  server.close();
  await once(server, 'close'); // when no connection is open
});

test('nothing is said of what a closed store has not answered', async () => {
  const {objects} = freshStore();
  let answer: ((error: Error) => void) | undefined;
  const silent = disturbed(objects, (operation) =>
    operation === 'upload'
      ? new Promise((_, reject) => {
          answer = reject;
        })
      : undefined,
  );
  const one = machine(silent);
  const entry = await commitEntry(one.local, 'a');
  await one.store.cache.find(entry.manifest.fingerprint); // pushes it
  await expect.poll(() => answer).toBeDefined();
  one.store.close();
  answer!(new StoreError('unreachable', 'its connections are closed'));
  await new Promise((resolve) => setImmediate(resolve));
  expect(one.warnings).toEqual([]);
});

test('an endpoint that is not an address is refused, and not repeated', async () => {
  for (const address of ['/some/path', 'localhost:9000', 'ftp://user:hush@host']) {
    useServer(address);
    expect(await connectStore('s3://team/p')).toMatchObject({
      ok: false,
      failures: [{message: 'the store s3://team/p: AWS_ENDPOINT_URL_S3 is not the address of a server'}],
    });
  }
});
