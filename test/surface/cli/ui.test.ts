import {createServer} from 'node:net';
import {expect, test} from 'vitest';
import {Project} from '../../rig/command.ts';

test('prints an address that lets in, and Ctrl-C ends it although a page is open', async () => {
  using project = new Project();
  const {child, ended} = project.start(['ui']);
  const address = await new Promise<string>((resolve) => {
    child.stdout!.once('data', (text: Buffer) => resolve(String(text).trim()));
  });
  const welcome = await fetch(address);
  const cookie = welcome.headers.getSetCookie()[0]!.split(';')[0]!;
  const events = await fetch(new URL('/events', address), {headers: {cookie}});
  expect(events.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  const cut = events.text().catch((error: Error) => error.message);
  child.kill('SIGINT');
  const {status, out, err} = await ended;
  expect([status, out.trim()]).toEqual([0, address]);
  expect(project.masked(err)).toBe(
    'This server shows <folder>/runs. It answers only on this machine, and only with the token in the address above; it is read-only. Press Ctrl-C to stop it.\n',
  );
  expect(await cut).toBe('terminated');
});

test('a port that is taken', async () => {
  using project = new Project();
  const other = createServer();
  await new Promise<void>((resolve) => {
    other.listen(0, '127.0.0.1', resolve);
  });
  const {port} = other.address() as {port: number};
  expect(await project.run('ui', '--port', `${port}`)).toEqual({
    status: 2,
    out: '',
    err: `✗ port ${port} is in use by another process\n   Choose another port, or leave out --port to use a free one.\n`,
  });
  other.close();
});
