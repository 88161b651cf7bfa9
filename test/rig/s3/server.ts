/**
 * A real S3 on this machine: Ceph's gateway (radosgw) with one monitor and one OSD, whose disk is a file of the test's folder. Its parts are
 * children of the test, end with it, and can be killed and started one by one. Needs Debian's packages ceph-mon, ceph-osd, radosgw, and root.
 */
import {type ChildProcess, execFile, spawn} from 'node:child_process';
import {randomBytes, randomUUID} from 'node:crypto';
import {once} from 'node:events';
import {accessSync, appendFileSync, closeSync, constants, mkdirSync, openSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {delimiter, join} from 'node:path';
import {setTimeout as delay} from 'node:timers/promises';
import {promisify} from 'node:util';

const programs = ['ceph-mon', 'ceph-osd', 'radosgw', 'radosgw-admin', 'ceph', 'ceph-authtool', 'monmaptool', 'setpriv'];

/** Why there can be no server here; undefined: there can. */
export const whyNoS3: string | undefined = (() => {
  const isThere = (program: string): boolean =>
    (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
      try {
        accessSync(join(folder, program), constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
  const absent = programs.filter((program) => !isThere(program));
  if (absent.length > 0) return `${absent.join(', ')}: not installed`;
  return process.getuid?.() === 0 ? undefined : 'only root can start Ceph';
})();

type Part = 'mon' | 'osd' | 'rgw';

export interface S3Server {
  /** What the SDK finds it by. */
  readonly env: {readonly [name: string]: string};
  kill(...parts: readonly Part[]): Promise<void>;
  /** Starts what was killed, with all its objects. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

const run = promisify(execFile);

/** In an empty folder. Takes ten seconds. */
export async function startS3(folder: string): Promise<S3Server> {
  const at = (...names: readonly string[]): string => join(folder, ...names);
  for (const name of ['mon', 'osd', 'rgw', 'run', 'log']) mkdirSync(at(name), {recursive: true});
  const [base, fsid, osd] = [await freePorts(10), randomUUID(), randomUUID()];
  const key = (bytes: number): string => randomBytes(bytes).toString('hex');
  const env = {
    AWS_ACCESS_KEY_ID: key(10),
    AWS_SECRET_ACCESS_KEY: key(20),
    AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${base + 9}`,
    AWS_REGION: 'us-east-1',
  };
  const conf = at('ceph.conf');
  writeFileSync(
    conf,
    settings({
      global: {
        fsid,
        'mon host': `[v2:127.0.0.1:${base}/0]`,
        'public addr': '127.0.0.1',
        'cluster addr': '127.0.0.1',
        'ms bind msgr1': 'false',
        'ms bind port min': String(base + 1),
        'ms bind port max': String(base + 8),
        keyring: at('keyring'),
        'run dir': at('run'),
        'admin socket': '',
        'log file': at('log', '$name.log'),
        'crash dir': at('log'),
        'osd pool default size': '1',
        'osd pool default min size': '1',
        'osd pool default pg num': '4',
        'osd pool default pg autoscale mode': 'off',
        'osd crush chooseleaf type': '0',
      },
      mon: {'mon data': at('mon'), 'mon cluster log file': at('log', 'cluster.log'), 'paxos propose interval': '0.05'},
      osd: {
        'osd data': at('osd'),
        'osd journal': at('osd', 'journal'),
        'bluestore block size': String(8 * 2 ** 30), // sparse
        'bluestore fsck on mkfs': 'false',
        'osd class update on start': 'false',
      },
      client: {'rgw data': at('rgw'), 'rgw frontends': `beast endpoint=127.0.0.1:${base + 9}`},
    }),
  );
  const call = async (program: string, ...args: readonly string[]): Promise<void> => {
    const {stdout, stderr} = await run(program, args, {timeout: 60_000});
    appendFileSync(at('log', 'make.log'), `${program} ${args.join(' ')}\n${stdout}${stderr}`);
  };
  const caps = (who: string, ...what: readonly string[]) => [
    '--gen-key',
    '-n',
    who,
    ...what.flatMap((cap) => ['--cap', ...cap.split(' ', 1), cap.slice(cap.indexOf(' ') + 1)]),
  ];
  await call('ceph-authtool', '--create-keyring', at('keyring'), ...caps('mon.', 'mon allow *'));
  await call('ceph-authtool', at('keyring'), ...caps('client.admin', 'mon allow *', 'osd allow *'));
  await call('ceph-authtool', at('keyring'), ...caps('client.rgw', 'mon allow rw', 'osd allow rwx'));
  await call('ceph-authtool', at('keyring'), ...caps('osd.0', 'mon allow profile osd', 'osd allow *'));
  await call('monmaptool', '--create', '--fsid', fsid, '--addv', 'a', `[v2:127.0.0.1:${base}/0]`, at('monmap'));
  await call('ceph-mon', '-c', conf, '-i', 'a', '--mkfs', '--monmap', at('monmap'), '--keyring', at('keyring'));

  const commands: {readonly [part in Part]: readonly string[]} = {
    mon: ['ceph-mon', '-f', '-c', conf, '-i', 'a'],
    osd: ['ceph-osd', '-f', '-c', conf, '-i', '0'],
    rgw: ['radosgw', '-f', '-c', conf, '-n', 'client.rgw'],
  };
  const parts = new Map<Part, ChildProcess>();
  const startPart = (part: Part): void => {
    if (parts.has(part)) return;
    const log = openSync(at('log', `${part}.out`), 'a');
    // The kernel ends it with the test, however that ends.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...commands[part]], {stdio: ['ignore', log, log]});
    closeSync(log);
    parts.set(part, child);
  };
  const kill = async (...names: readonly Part[]): Promise<void> => {
    for (const part of names) {
      const child = parts.get(part);
      parts.delete(part);
      if (!child || child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
  };
  const server: S3Server = {
    env,
    kill,
    async start() {
      for (const part of ['mon', 'osd', 'rgw'] as const) startPart(part);
      await answers(env.AWS_ENDPOINT_URL_S3, () => parts.get('rgw')!.exitCode === null);
    },
    stop: () => kill('rgw', 'osd', 'mon'),
  };
  try {
    startPart('mon');
    await call('ceph', '-c', conf, 'osd', 'new', osd, '0');
    await call('ceph-osd', '-c', conf, '-i', '0', '--mkfs', '--osd-uuid', osd);
    startPart('osd');
    const user = ['--uid', 'test', '--display-name', 'test'];
    const keys = ['--access-key', env.AWS_ACCESS_KEY_ID, '--secret-key', env.AWS_SECRET_ACCESS_KEY];
    await call('radosgw-admin', '-c', conf, 'user', 'create', ...user, ...keys);
    await server.start();
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

const settings = (sections: {readonly [name: string]: {readonly [key: string]: string}}): string =>
  Object.entries(sections)
    .map(([name, values]) =>
      [`[${name}]`, ...Object.entries(values).map(([key, value]) => `${key} = ${value}`), ''].join('\n'),
    )
    .join('\n');

/** The first of so many ports in a row that are free now. */
async function freePorts(count: number): Promise<number> {
  for (;;) {
    const base = 10_000 + Math.floor(Math.random() * 2000) * 10;
    const all = await Promise.all(Array.from({length: count}, (_, i) => isFree(base + i)));
    if (all.every(Boolean)) return base;
  }
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

/** Until the gateway answers a question for which it must ask the OSD: a bucket of which nobody has heard. */
async function answers(url: string, isAlive: () => boolean): Promise<void> {
  for (let left = 300; left > 0; left--) {
    if (!isAlive()) throw new Error('the gateway ended');
    const answer = await fetch(`${url}/none-${randomUUID()}`, {signal: AbortSignal.timeout(5000)}).catch(
      () => undefined,
    );
    if (answer?.status === 404) return;
    await delay(200);
  }
  throw new Error('the gateway does not answer');
}
