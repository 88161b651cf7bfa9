/**
 * The file of results is an index of the runs' records. It is never changed in place: a write changes a copy, and one rename puts
 * the copy in the file's place. So a write does not wait for readers, and after a kill or on a full disk the old file is still there.
 * If the file is not as we left it (`seal.ts`), or DuckDB can't read it, the next command that needs it sets it aside and makes a
 * new one. If nothing can be written, the tables are made in memory.
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
  /** How long to wait for another process that writes the file; default: 70, ten more than it takes to call a lock's holder dead. */
  readonly waitSeconds?: number;
  /** Gets messages for the user: that we wait, that the file was made anew, or that it can't be written. */
  readonly report?: (message: string) => void;
  readonly baselines?: readonly Baseline[];
  /** Look only once for runs that are not filed: for a command whose several questions are about one moment. */
  readonly once?: boolean;
}

export interface Filed {
  /** Ids of the runs that were filed. */
  readonly runs: readonly string[];
  /** What is wrong with the runs that can't be filed. */
  readonly leftOut: readonly Problem[];
  /** Sentences about runs whose record contradicts the cache. What the cache says is filed. */
  readonly contradictions: readonly string[];
}

/** Run → the state of its record when it was filed. */
export type FiledStates = ReadonlyMap<string, string | null>;

/** What the tables are made from. */
export interface Records {
  /** Reads from the tables what they have of which run. */
  filed(connection: DuckDBConnection): Promise<FiledStates>;
  /** False if a run that has ended, and whose record can be read, is not in the tables as it is now. */
  areFiled(filed: FiledStates): boolean;
  /** Files the missing runs, and those with the ids `again` even if they are there; into empty tables, all runs. */
  file(connection: DuckDBConnection, again: readonly string[]): Promise<Filed>;
  /** Files only the runs with these ids; absent: all runs. */
  fileOnly(connection: DuckDBConnection, ids: readonly string[] | undefined): Promise<Filed>;
}

/** A reader of the tables throws it when it finds them damaged. */
export class Damaged extends Error {}

export class Database {
  readonly #file: string;
  readonly #options: ResultsOptions;
  readonly #records: Records;
  /** Writing the file has failed once; it is not tried again. */
  #fixed = false;

  constructor(file: string, records: Records, options: ResultsOptions) {
    this.#file = file;
    this.#records = records;
    this.#options = options;
  }

  /**
   * Files the missing runs, and those with the ids `again` even if they are there; with `anew`, all runs, whatever the file has. Fails
   * if the file can't be written, which harms no run.
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
        // Another process may have filed them while we waited for the lock.
        if (again.length === 0 && (await this.#readFile(async () => true, false)))
          return succeed({runs: [], leftOut: [], contradictions: []});
        try {
          return succeed(await this.#replace({fresh: false, keep: false, again}));
        } catch (error) {
          if (obstacleOf(error) || !isDuckDB(error)) throw error;
          return succeed(await this.#replace({fresh: true, keep: true, again})); // its seal is right, but DuckDB can't read it
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

  /**
   * `ids`: the runs that `work` asks for; absent: it may ask for any. `early`: DuckDB may begin with `work` while we still look
   * whether runs are missing; if so, it is done again. For statements that are cheap.
   */
  async read<T>(
    work: (connection: DuckDBConnection) => Promise<T>,
    {ids, early = false}: {readonly ids?: readonly string[] | undefined; readonly early?: boolean} = {},
  ): Promise<T> {
    const first = await this.#readFile(work, early);
    if (first) return first.found;
    if (!this.#fixed) {
      const written = await this.write({});
      const second = written.ok ? await this.#readFile(work, early) : undefined;
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

  /** Returns undefined if the file must be written first. */
  async #readFile<T>(
    work: (connection: DuckDBConnection) => Promise<T>,
    early: boolean,
  ): Promise<{readonly found: T} | undefined> {
    try {
      if (!(await isSealed(this.#file))) return undefined;
      return await reading(this.#file, async (connection) => {
        if (!(await isCurrent(connection, this.#baselines()))) return undefined;
        const filed = await this.#records.filed(connection);
        if (!early) return this.#records.areFiled(filed) ? {found: await work(connection)} : undefined;
        const working = work(connection);
        const ended = working.catch(() => undefined); // its error counts only if the tables are up to date
        try {
          if (this.#records.areFiled(filed)) return {found: await working};
        } finally {
          await ended; // a connection must not be closed while DuckDB computes on it
        }
        return undefined;
      });
    } catch (error) {
      if (obstacleOf(error)) return undefined;
      if (!isDuckDB(error) && !(error instanceof Damaged)) throw error;
      // The seal is right, but the file can't be read. Without the seal, the next write makes it anew.
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

  /** `fresh`: starts from empty tables instead of the file's; `keep`: moves the old file aside instead of overwriting it. */
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

  /** Moves the old file, and DuckDB's log of it, out of the way. */
  #setAside({runs}: Filed): void {
    moveAway(logOf(this.#file), 'damaged');
    const aside = moveAway(this.#file, 'damaged');
    if (aside !== undefined)
      this.#options.report?.(
        `${this.#file} was damaged, changed by another program, or of an earlier version: it was made anew from ${plural(runs.length, 'run')}; what was there is now ${basename(aside)}`,
      );
  }

  /** Removes drafts that killed processes have left. We hold the lock, so no other process is writing one. */
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

/** DuckDB's errors begin with their kind: `IO Error: …`, `INTERNAL Error: …`. */
const isDuckDB = (error: unknown): boolean => error instanceof Error && /^[A-Z][A-Za-z ]* Error: /.test(error.message);
