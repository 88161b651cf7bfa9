/**
 * A real Slurm on this machine, for tests: a controller and two nodes with two pretended GPUs each, in a folder of its own. Needs
 * Debian's packages `slurm-wlm` and `munge`, and root. What Slurm does wrong is done by killing its daemons.
 */
import {type ChildProcess, execFileSync, spawn} from 'node:child_process';
import {randomBytes, randomInt} from 'node:crypto';
import {once} from 'node:events';
import {chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as delay} from 'node:timers/promises';

/** Why there can be no cluster here; undefined: there can. */
export const slurmMissing: string | undefined =
  process.getuid?.() !== 0
    ? 'only root can start a Slurm'
    : ['/usr/sbin/slurmctld', '/usr/sbin/slurmd', '/usr/sbin/munged'].every((file) => existsSync(file))
      ? undefined
      : 'slurm-wlm and munge are not installed';

type Daemon = 'slurmctld' | 'n1' | 'n2';

export class SlurmCluster {
  readonly folder = mkdtempSync(join(tmpdir(), 'slurm-'));
  readonly #daemons = new Map<Daemon | 'munged', ChildProcess>();

  /** Resolves when both nodes are idle. */
  static async start(): Promise<SlurmCluster> {
    const cluster = new SlurmCluster();
    cluster.#configure();
    try {
      cluster.boot('munged');
      // The others end at once where it does not answer.
      await cluster.until('munge answers', () => existsSync(join(cluster.folder, 'run', 'munge.socket')));
      for (const name of ['slurmctld', 'n1', 'n2'] as const) cluster.boot(name);
      await cluster.until('both nodes are idle', () => cluster.#tell('sinfo', '-h', '-o', '%t') === 'idle');
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  get env(): {readonly SLURM_CONF: string} {
    return {SLURM_CONF: join(this.folder, 'slurm.conf')};
  }

  #configure(): void {
    const at = (...names: string[]): string => join(this.folder, ...names);
    for (const name of ['run', 'state', 'log', 'dev', 'spool-n1', 'spool-n2']) mkdirSync(at(name));
    chmodSync(this.folder, 0o755);
    // What Slurm takes for a GPU: any device.
    for (const i of [0, 1]) execFileSync('mknod', ['-m', '666', at('dev', `nvidia${i}`), 'c', '1', '3']);
    writeFileSync(at('munge.key'), randomBytes(1024), {mode: 0o400});
    const port = randomInt(20_000, 30_000);
    const settings = {
      ClusterName: 'test',
      SlurmctldHost: 'localhost(127.0.0.1)',
      SlurmctldPort: port,
      SlurmUser: 'root',
      SlurmdUser: 'root',
      AuthType: 'auth/munge',
      // A requeued job waits until its credential is over: two minutes, if nobody says otherwise.
      AuthInfo: `socket=${at('run', 'munge.socket')},cred_expire=5`,
      CredType: 'cred/munge',
      StateSaveLocation: at('state'),
      SlurmdSpoolDir: at('spool-%n'),
      SlurmctldPidFile: at('run', 'slurmctld.pid'),
      SlurmdPidFile: at('run', 'slurmd-%n.pid'),
      SlurmctldLogFile: at('log', 'slurmctld.log'),
      SlurmdLogFile: at('log', 'slurmd-%n.log'),
      ProctrackType: 'proctrack/linuxproc',
      TaskPlugin: 'task/none',
      SwitchType: 'switch/none',
      MpiDefault: 'none',
      // Memory is watched once a second, and a job that takes more than it asked for is ended.
      JobAcctGatherType: 'jobacct_gather/linux',
      JobAcctGatherFrequency: 'task=1',
      JobAcctGatherParams: 'OverMemoryKill',
      AccountingStorageType: 'accounting_storage/none',
      SchedulerType: 'sched/backfill',
      SelectType: 'select/cons_tres',
      SelectTypeParameters: 'CR_Core_Memory',
      GresTypes: 'gpu',
      ReturnToService: 2,
      MinJobAge: 300,
      MaxArraySize: 1001,
      KillWait: 25,
      SlurmdTimeout: 6,
      MessageTimeout: 3,
      SchedulerParameters: 'sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=1000',
    };
    const nodes = `NodeName=n[1-2] NodeHostname=localhost NodeAddr=127.0.0.1 Port=[${port + 1}-${port + 2}]`;
    writeFileSync(
      at('slurm.conf'),
      [
        ...Object.entries(settings).map(([key, value]) => `${key}=${value}`),
        `${nodes} CPUs=2 RealMemory=8000 Gres=gpu:2 State=UNKNOWN`,
        'PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP',
        'PartitionName=short Nodes=ALL MaxTime=1 State=UP',
        '',
      ].join('\n'),
    );
    writeFileSync(at('gres.conf'), `NodeName=n[1-2] Name=gpu File=${at('dev', 'nvidia[0-1]')}\n`);
  }

  boot(name: Daemon | 'munged'): void {
    const at = (...names: string[]): string => join(this.folder, ...names);
    const {SLURM_CONF} = this.env;
    const [command, args] = {
      munged: [
        'munged',
        [
          ['--foreground', '--force', '--key-file', at('munge.key'), '--socket', at('run', 'munge.socket')],
          ['--pid-file', at('run', 'munged.pid'), '--log-file', at('log', 'munged.log'), '--seed-file', at('seed')],
        ].flat(),
      ],
      slurmctld: ['slurmctld', ['-D', '-f', SLURM_CONF]],
      n1: ['slurmd', ['-D', '-f', SLURM_CONF, '-N', 'n1']],
      n2: ['slurmd', ['-D', '-f', SLURM_CONF, '-N', 'n2']],
    }[name] as [string, string[]];
    this.#daemons.set(name, spawn(`/usr/sbin/${command}`, args, {stdio: 'ignore', detached: true}));
  }

  /** Ends a daemon as a crash does; the processes of jobs go on. */
  async kill(name: Daemon): Promise<void> {
    const daemon = this.#daemons.get(name)!;
    const ended = once(daemon, 'exit');
    daemon.kill('SIGKILL');
    await ended;
  }

  /** What one of Slurm's commands prints. */
  #tell(command: string, ...args: readonly string[]): string {
    try {
      return execFileSync(command, args, {env: {...process.env, ...this.env}, encoding: 'utf8', stdio: 'pipe'}).trim();
    } catch {
      return ''; // the controller is not there yet
    }
  }

  scontrol(...args: readonly string[]): string {
    return this.#tell('scontrol', ...args);
  }

  scancel(...args: readonly string[]): void {
    this.#tell('scancel', ...args);
  }

  /** Jobs that run or wait: `4711_3 RUNNING n1`. */
  get jobs(): readonly string[] {
    return this.#tell('squeue', '-h', '-r', '-o', '%i %T %N')
      .split('\n')
      .filter((line) => line !== '');
  }

  /** Looks again and again until it is so; a test's own limit ends the waiting. */
  async until(what: string, isSo: () => boolean, most = 60): Promise<void> {
    for (const end = Date.now() + 1000 * most; !isSo(); await delay(100))
      if (Date.now() > end) throw new Error(`${what}: not after ${most} s; jobs: ${this.jobs.join(', ')}`);
  }

  async stop(): Promise<void> {
    this.scancel('--me', '--signal=KILL', '--full');
    for (const daemon of this.#daemons.values()) daemon.kill('SIGTERM');
    await Promise.all(
      [...this.#daemons.values()].map((daemon) => daemon.exitCode ?? daemon.signalCode ?? once(daemon, 'exit')),
    );
    rmSync(this.folder, {recursive: true, force: true});
  }
}
