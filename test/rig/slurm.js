/**
 * A real Slurm on this machine, for tests: a controller and two nodes with two pretended GPUs each, in a folder of its own. Needs
 * Debian's packages `slurm-wlm` and `munge`, and root. What Slurm does wrong is done by killing its daemons.
 */
import {execFileSync, spawn} from 'node:child_process';
import {randomBytes, randomInt} from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as delay} from 'node:timers/promises';

/** Why there can be no cluster here; undefined: there can. */
export const slurmMissing =
  process.getuid?.() !== 0
    ? 'only root can start a Slurm'
    : ['/usr/sbin/slurmctld', '/usr/sbin/slurmd', '/usr/sbin/munged'].every((file) => existsSync(file))
      ? undefined
      : 'slurm-wlm and munge are not installed';

/** @typedef {'slurmctld' | 'n1' | 'n2'} Daemon */

export class SlurmCluster {
  /** One that was started, also by another process. */
  constructor(folder = mkdtempSync(join(tmpdir(), 'slurm-'))) {
    this.folder = folder;
  }

  /** Resolves when both nodes are idle. */
  static async start() {
    const cluster = new SlurmCluster();
    cluster.#configure();
    try {
      cluster.boot('munged');
      // The others end at once where it does not answer.
      await cluster.until('munge answers', () => existsSync(join(cluster.folder, 'run', 'munge.socket')));
      for (const name of /** @type {const} */ (['slurmctld', 'n1', 'n2'])) cluster.boot(name);
      await cluster.until('both nodes are idle', () => cluster.nodes === 'idle');
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  get env() {
    return {SLURM_CONF: join(this.folder, 'slurm.conf')};
  }

  #configure() {
    const at = (...names) => join(this.folder, ...names);
    for (const name of ['pids', 'run', 'state', 'log', 'dev', 'spool-n1', 'spool-n2']) mkdirSync(at(name));
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

  /** @param {Daemon | 'munged'} name */
  boot(name) {
    const at = (...names) => join(this.folder, ...names);
    const {SLURM_CONF} = this.env;
    const [command, args] = /** @type {Record<string, [string, string[]]>} */ ({
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
    })[name];
    const daemon = spawn(`/usr/sbin/${command}`, args, {stdio: 'ignore', detached: true});
    daemon.unref();
    writeFileSync(at('pids', name), String(daemon.pid));
  }

  /**
   * Ends a daemon as a crash does; the processes of jobs go on.
   * @param {Daemon} name
   */
  async kill(name) {
    await this.#end(name, 'SIGKILL');
  }

  async #end(name, signal) {
    const pid = Number(readFileSync(join(this.folder, 'pids', name), 'utf8'));
    if (runs(pid)) process.kill(pid, signal);
    for (const patience = Date.now() + 10_000; runs(pid); await delay(50))
      if (Date.now() > patience) process.kill(pid, 'SIGKILL'); // it waits for another that has ended
  }

  /** What one of Slurm's commands prints. */
  #tell(command, ...args) {
    try {
      return execFileSync(command, args, {env: {...process.env, ...this.env}, encoding: 'utf8', stdio: 'pipe'}).trim();
    } catch {
      return ''; // the controller is not there yet
    }
  }

  scontrol(...args) {
    return this.#tell('scontrol', ...args);
  }

  scancel(...args) {
    this.#tell('scancel', ...args);
  }

  /** `idle`: both are. */
  get nodes() {
    return this.#tell('sinfo', '-h', '-o', '%t');
  }

  /** Jobs that run or wait: `4711_3 RUNNING n1`. */
  get jobs() {
    return this.#tell('squeue', '-h', '-r', '-o', '%i %T %N')
      .split('\n')
      .filter((line) => line !== '');
  }

  /** Looks again and again until it is so; a test's own limit ends the waiting. */
  async until(what, isSo, most = 60) {
    for (const end = Date.now() + 1000 * most; !isSo(); await delay(100))
      if (Date.now() > end) throw new Error(`${what}: not after ${most} s; jobs: ${this.jobs.join(', ')}`);
  }

  async stop() {
    this.scancel('--me', '--signal=KILL', '--full');
    await Promise.all(readdirSync(join(this.folder, 'pids')).map((name) => this.#end(name, 'SIGTERM')));
    rmSync(this.folder, {recursive: true, force: true});
  }
}

/** false for a zombie, too. */
function runs(pid) {
  try {
    return readlinkSync(`/proc/${pid}/exe`) !== '';
  } catch {
    return false;
  }
}
