/** One trial: a store, a fault, and whether the ordinary commands put all right by themselves. */
import {existsSync, mkdirSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {Rng} from '../../dist/core/base/random.js';
import {clusterFaults, settle} from './cluster.js';
import {call} from './commands.js';
import {drawFault, faults} from './faults.js';
import {runRecordTrial} from './records.js';
import {copyStore, projects, rowKey, runsIn, start, versionIn} from './stores.js';

/** What no user is to see. */
const raw = [
  /\n\s+at .+:\d+:\d+/,
  /Cannot (read|set|destructure|convert|access)/,
  /is not (a function|iterable|defined)\b/,
  /\[object Object\]|undefined is not|Internal error/,
  /\bE(NOENT|ISDIR|NOTDIR|EXIST|ACCES|PERM|NOSPC|MFILE|NXIO|FBIG|IO|LOOP|INVAL|BADF|PIPE|NOTEMPTY|AGAIN)\b/,
  /\b(IO|INTERNAL|Invalid|Catalog|Fatal|Serialization|Binder) Error:/,
  /UnhandledPromise|Uncaught|ERR_[A-Z]+/,
];

/**
 * Trial `number` of `seed`; `kinds`: of these faults alone; `cluster`: folder of a Slurm, whose faults are drawn instead. Its verdict has
 * what went wrong, by kind; nothing: all is well.
 */
export async function runTrial({seed, number, stores, folder, kinds = [], cluster}) {
  const rng = new Rng(`${seed}/${number}`);
  const all = cluster === undefined ? faults : clusterFaults(cluster);
  const fault = drawFault(rng, kinds.length > 0 ? all.filter(({kind}) => kinds.includes(kind)) : all);
  if (fault.cheap) {
    const draw = (store) => fault.apply(store, rng);
    return {kind: fault.kind, how: fault.how, ...(await runRecordTrial({folder, stores, rng, draw, raw}))};
  }
  const found = {wrong: [], lost: [], raw: [], human: []};
  // Processes of a trial that was given up may still write.
  rmSync(folder, {recursive: true, force: true, maxRetries: 20, retryDelay: 500});
  const store = stores[fault.store];
  copyStore(store.folder, folder);
  const before = existsSync(join(folder, 'runs')) ? runsIn(folder) : [];
  const place = await fault.apply(folder, rng, store.usual);
  const look = new Aftermath(folder, store, found);
  if (place?.text !== undefined) look.read('the disturbed run', place.text);
  if (fault.ends && place.status !== 0)
    found.human.push(`the disturbed run ended with ${place.status}: ${JSON.stringify(place.text.slice(-1500))}`);
  // Most commands take long: of the runs one is looked at more closely, if it can be the one that was hurt.
  const hurt = before.find((id) => typeof place === 'string' && place.includes(id));
  await look.readers(before, hurt, hurt ?? before[rng.integer(before.length || 1)]);
  await look.heal(fault.processes === true);
  if (cluster !== undefined) await settle(cluster, folder, found);
  rmSync(folder, {recursive: true, force: true});
  return {kind: fault.kind, how: fault.how, place: typeof place === 'string' ? place.slice(folder.length) : '', found};
}

class Aftermath {
  #folder;
  #project;
  #truth;
  #found;

  constructor(folder, {project, truth}, found) {
    this.#folder = folder;
    this.#project = projects[project];
    this.#truth = truth;
    this.#found = found;
    mkdirSync(join(folder, 'runs'), {recursive: true});
  }

  /** Looks for what is raw. */
  read(what, text) {
    const sign = raw.map((pattern) => pattern.exec(text)?.[0]).find((found) => found !== undefined);
    if (sign !== undefined) this.#found.raw.push(`${what}: ${JSON.stringify(text.slice(-1500))} (${sign.trim()})`);
  }

  async #call(...args) {
    const result = await call(this.#folder, args);
    this.read(`pipeline ${args.join(' ')}`, `${result.err}${args.includes('--json') ? '' : result.out}`);
    if (result.status !== 0 && result.err.trim() === '')
      this.#found.raw.push(`pipeline ${args.join(' ')}: status ${result.status} without a word`);
    return result;
  }

  /** What those say who only read, before anything is put right. */
  async readers(before, hurt, looked) {
    const ls = await this.#call('ls', '--json');
    const listed = ls.status === 0 ? JSON.parse(ls.out) : [];
    for (const id of before) {
      const one = listed.find((run) => run.id === id);
      if (!one && existsSync(join(this.#folder, 'runs', id))) this.#found.lost.push(`${id} is not listed by ls`);
      const show = await this.#call('show', id, '--json');
      if (show.status === 0) this.#checkShown(show.out, id);
      else if (id !== hurt)
        this.#found.lost.push(`${id} cannot be shown, though its record is whole: ${show.err.trim()}`);
      if (id !== looked) continue;
      const compare = await this.#call('compare', id, '--metric', 'all', '--json');
      const missing = compare.status === 0 ? this.#checkTable(compare.out, id) : ['everything'];
      const seeds = id === before[0] && before.length === 3 ? 1 : 2;
      if (compare.status === 0 && missing.length === 0 && seeds === 2) continue;
      if (compare.status === 0 && missing.every((key) => key.endsWith('(one seed)')) && seeds === 1) continue;
      const said =
        `${ls.err}${show.err}${compare.err}` !== '' ||
        ['stopped', 'unfinished'].includes(one?.outcome) ||
        /not known/.test(compare.out);
      if (!said && existsSync(join(this.#folder, 'runs', id)))
        this.#found.lost.push(`${id}: ${missing.join(', ')}, and nobody says so`);
    }
    if (before.length > 1) await this.#call('why', before[0], before.at(-1));
  }

  /** Runs again; the table must be the undisturbed one, also from a database made anew. */
  async heal(apart) {
    const run = async () => {
      const before = runsIn(this.#folder);
      const {status, text} = apart
        ? await start(this.#folder, ['run', 'spec.yaml', '--quiet']).done
        : await call(this.#folder, ['run', 'spec.yaml', '--quiet', '--engine', 'wasm', '--jobs', '1']).then(
            ({status, out, err}) => ({status, text: `${err}${out}`}),
          );
      this.read('pipeline run', text);
      // It is `latest` from now on, even if a runner whose clock was wrong has left a run of tomorrow.
      const id = runsIn(this.#folder).find((one) => !before.includes(one));
      return {status, text, missing: status === 0 ? await this.#missing(id) : [`status ${status}`], id};
    };
    let last = await run();
    let {missing} = last;
    if (missing.length > 0) {
      last = await run();
      ({missing} = last);
    }
    if (missing.length > 0)
      this.#found.human.push(`after two runs: ${missing.join(', ')}; ${JSON.stringify(last.text.slice(-800))}`);
    const rebuilt = await this.#call('db', 'rebuild');
    const again = await this.#missing(last.id);
    if (rebuilt.status !== 0 || (again.length > 0 && missing.length === 0))
      this.#found.lost.push(`after db rebuild (status ${rebuilt.status}): ${again.join(', ')}`);
  }

  /** Rows that the run's table lacks. */
  async #missing(id) {
    const {status, out, err} = await this.#call('compare', 'latest', '--metric', 'all', '--json');
    if (status !== 0) return [err.trim()];
    const version = versionIn(this.#folder, this.#project);
    return this.#checkTable(out, id, [version]);
  }

  #checkTable(out, what, versions = [1, -1]) {
    const {lines} = JSON.parse(out);
    const keys = new Map(lines.map((line) => [rowKey(line), line]));
    for (const [key, line] of keys) {
      if (line.ours === null) continue;
      const right = versions.map((version) => {
        const {rows, tasks} = this.#truth[version];
        const {ours, sd} = rows[key] ?? {};
        if (line.n === 2) return ours === line.ours && sd === line.sd;
        return (
          line.n === 1 &&
          tasks[
            `camp/${line.inlier}/${this.#project.learner}/seed=${line.seeds[0]} ${line.classifier} ${line.metric}`
          ] === line.ours
        );
      });
      if (!right.includes(true))
        this.#found.wrong.push(`${what}: ${key} is ${line.ours} (n = ${line.n}, seeds ${line.seeds})`);
    }
    return Object.keys(this.#truth[1].rows).flatMap((key) => {
      const line = keys.get(key);
      return !line || line.ours === null ? [key] : line.n < 2 ? [`${key} (one seed)`] : [];
    });
  }

  #checkShown(out, what) {
    for (const {task, classifier, metrics} of JSON.parse(out).results)
      for (const [metric, value] of Object.entries(metrics)) {
        if (value === null) continue;
        const key = `${task} ${classifier} ${metric}`;
        if (this.#truth[1].tasks[key] !== value && this.#truth[-1].tasks[key] !== value)
          this.#found.wrong.push(`${what}: ${key} is ${value}`);
      }
  }
}
