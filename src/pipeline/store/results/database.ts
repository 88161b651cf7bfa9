/**
 * The file of results: an index of the runs' records, never changed in place. A write is a copy with the changes that one rename
 * puts in the file's place, so that nobody waits for a reader, and a kill or a full disk leaves the old file. A file that is not
 * as it was left (`seal.ts`), or that DuckDB can't read, is set aside and made anew by whoever needs it; where nothing can be
 * written, the tables are made in memory.
 */
import {randomBytes} from 'node:crypto';
import {constants, copyFileSync, mkdirSync, readdirSync, renameSync, rmSync} from 'node:fs';
import {basename, dirname, join} from 'node:path';
import type {DuckDBConnection} from '@duckdb/node-api';
import {moveAway} from '../../../core/base/files.ts';
import {acquireLock, describeHolder, type Holder, heartbeat} from '../../../core/base/lock.ts';
import {fail, type Result, succeed} from '../../../core/base/result.ts';
import {plural} from '../../../core/base/text.ts';
import type {Problem} from '../../failures.ts';
import type {Baseline} from './baselines.ts';
import {drafting, reading, remembering} from './connect.ts';
import {inTransaction} from './duckdb.ts';
import {type BaselineRows, baselineRows, bringUpToDate, isCurrent} from './migrate.ts';
import {Obstacle, obstacleOf} from './obstacle.ts';
import {isSealed, logOf, seal, sealOf} from './seal.ts';

export interface ResultsOptions {
  /** How long to wait for another process that writes the file; default: 70, which is longer than a dead holder is watched for. */
  readonly waitSeconds?: number;
  /** Told what a user is to know: a wait, a file that was made anew or that can't be written. */
  readonly report?: (message: string) => void;
  readonly baselines?: readonly Baseline[];
  /** Look only once for runs that are not filed: for a command, which asks several things of one moment. */
  readonly once?: boolean;
}

export interface Filed {
  /** Ids of the runs that were filed. */
  readonly runs: readonly string[];
  /** What is wrong with those that can't be. */
  readonly leftOut: readonly Problem[];
  /** Where a run's record says something else than the cache, which counts. */
  readonly contradictions: readonly string[];
}

/** What the tables are made from. */
export interface Records {
  /** False where a run that has ended is not in the tables. */
  areFiled(connection: DuckDBConnection): Promise<boolean>;
  /** Files the runs that are missing, and `again` those of these ids; of empty tables: all. */
  file(connection: DuckDBConnection, again: readonly string[]): Promise<Filed>;
  /** Files these runs alone; absent: all. */
  fileOnly(connection: DuckDBConnection, ids: readonly string[] | undefined): Promise<Filed>;
}

/** Thrown by what reads the tables when it finds them damaged. */
export class Damaged extends Error {}

export class Database {
  readonly #file: string;
  readonly #options: ResultsOptions;
  readonly #records: Records;
  /** It can't be written: once tried, not again. */
  #fixed = false;

  constructor(file: string, records: Records, options: ResultsOptions) {
    this.#file = file;
    this.#records = records;
    this.#options = options;
  }

  /**
   * Files runs: those that are missing and `again` those of these ids; `anew`: all, whatever the file has. Fails where the file
   * can't be written, which harms no run.
   */
  async write({
    again = [],
    anew = false,
  }: {
    readonly again?: readonly string[];
    readonly anew?: boolean;
  }): Promise<Result<Filed, Problem>> {
    try {
      mkdirSync(dirname(this.#file), {recursive: true});
      return await this.#locked(async () => {
        this.#sweep();
        const sound = await isSealed(this.#file);
        if (anew || !sound) return succeed(await this.#replace({fresh: true, keep: !sound, again}));
        // Another process may have done it while we waited for the lock.
        if (again.length === 0 && (await this.#readFile(async () => true)))
          return succeed({runs: [], leftOut: [], contradictions: []});
        try {
          return succeed(await this.#replace({fresh: false, keep: false, again}));
        } catch (error) {
          if (obstacleOf(error) || !isDuckDB(error)) throw error;
          return succeed(await this.#replace({fresh: true, keep: true, again})); // sound by its seal alone
        }
      });
    } catch (error) {
      const obstacle = obstacleOf(error);
      if (obstacle === undefined) throw error;
      this.#fixed = true;
      const {message, hint = 'No result is lost: the next command that can write it files every run.'} = obstacle;
      return fail({message: `the results database can't be written: ${message}`, file: this.#file, hint});
    }
  }

  /** `ids`: of the only runs that `work` asks for. */
  async read<T>(work: (connection: DuckDBConnection) => Promise<T>, ids?: readonly string[]): Promise<T> {
    const first = await this.#readFile(work);
    if (first) return first.found;
    if (!this.#fixed) {
      const written = await this.write({});
      const second = written.ok ? await this.#readFile(work) : undefined;
      if (second) return second.found;
      if (!written.ok)
        this.#options.report?.(`${written.failures[0]!.message}; the runs' own records are read instead`);
    }
    const fill = async (connection: DuckDBConnection): Promise<void> => {
      await bringUpToDate(connection, this.#baselines());
      await this.#records.fileOnly(connection, ids);
    };
    return remembering(fill, work);
  }

  /** Undefined where the file must be written first. */
  async #readFile<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<{readonly found: T} | undefined> {
    try {
      if (!(await isSealed(this.#file))) return undefined;
      return await reading(this.#file, async (connection) =>
        (await isCurrent(connection, this.#baselines())) && (await this.#records.areFiled(connection))
          ? {found: await work(connection)}
          : undefined,
      );
    } catch (error) {
      if (obstacleOf(error)) return undefined;
      if (!isDuckDB(error) && !(error instanceof Damaged)) throw error;
      // Sound by its seal, and yet it can't be read: without one it is made anew.
      rmSync(sealOf(this.#file), {force: true});
      return undefined;
    }
  }

  async #locked<T>(work: () => Promise<T>): Promise<T> {
    let other: Holder | undefined;
    const seconds = this.#options.waitSeconds ?? heartbeat.deadAfter + 10;
    const lock = await acquireLock(`${this.#file}.lock`, {
      signal: AbortSignal.timeout(seconds * 1000),
      onWait: (holder) => {
        other = holder;
        this.#options.report?.(`waiting for ${describeHolder(holder)}, which writes ${this.#file}`);
      },
      onSilent: () =>
        this.#options.report?.(
          `${this.#file}.lock gave no sign of life for ${heartbeat.deadAfter} s: its holder counts as dead, and we go on`,
        ),
    }).catch((error: Error) => {
      throw error.name === 'TimeoutError' ? new Obstacle(`${describeHolder(other)} is writing it`) : error;
    });
    try {
      return await work();
    } finally {
      lock.release();
    }
  }

  /** `fresh`: without what the file has; `keep`: but that is kept beside it. */
  async #replace({
    fresh,
    keep,
    again,
  }: {
    readonly fresh: boolean;
    readonly keep: boolean;
    readonly again: readonly string[];
  }): Promise<Filed> {
    const draft = join(dirname(this.#file), `${draftPrefix}${randomBytes(6).toString('hex')}.duckdb`);
    try {
      if (!fresh) copyFileSync(this.#file, draft, constants.COPYFILE_FICLONE);
      const filed = await drafting(draft, async (connection) => {
        await bringUpToDate(connection, this.#baselines());
        return inTransaction(connection, () => this.#records.file(connection, again));
      });
      if (keep) this.#setAside(filed);
      renameSync(draft, this.#file);
      await seal(this.#file);
      return filed;
    } finally {
      for (const name of [draft, `${draft}.wal`]) rmSync(name, {force: true});
    }
  }

  /** Moves what lies in the file's place out of the way. */
  #setAside({runs}: Filed): void {
    moveAway(logOf(this.#file), 'damaged');
    const aside = moveAway(this.#file, 'damaged');
    if (aside !== undefined)
      this.#options.report?.(
        `${this.#file} was damaged, changed by another program, or of an earlier version: it was made anew from ${plural(runs.length, 'run')}; what was there is now ${basename(aside)}`,
      );
  }

  /** Drafts of processes that were killed; nobody else has one, under the lock. */
  #sweep(): void {
    for (const name of readdirSync(dirname(this.#file)))
      if (name.startsWith(draftPrefix)) rmSync(join(dirname(this.#file), name), {force: true});
  }

  #known: BaselineRows | undefined;
  #baselines(): BaselineRows {
    this.#known ??= baselineRows(this.#options.baselines);
    return this.#known;
  }
}

const draftPrefix = '.results-';

/** Its errors begin with their kind: `IO Error: …`, `INTERNAL Error: …`. */
const isDuckDB = (error: unknown): boolean => error instanceof Error && /^[A-Z][A-Za-z ]* Error: /.test(error.message);
