/** The file of results, open for moments only, because DuckDB refuses even readers while a writer has it. */
import {existsSync, mkdirSync} from 'node:fs';
import {dirname} from 'node:path';
import {setTimeout as wait} from 'node:timers/promises';
import type {DuckDBConnection, DuckDBInstance} from '@duckdb/node-api';
import {fail, type Result, succeed} from '../../../core/base/result.ts';
import type {Problem} from '../../failures.ts';
import {type Baseline, readBaselines} from './baselines.ts';
import {duckdb, inTransaction} from './duckdb.ts';
import {type BaselineRows, baselineRows, bringUpToDate, isCurrent, unusable} from './migrate.ts';

export interface ResultsOptions {
  /** How long to wait for another process that holds the file. */
  readonly waitSeconds?: number;
  /** Told once when it has to wait. */
  readonly report?: (message: string) => void;
  readonly baselines?: readonly Baseline[];
  /** What a write has opened stays open, for all that is asked afterwards, until `close`. */
  readonly hold?: boolean;
}

/** Opens, brings up to date, closes. In this process one at a time: DuckDB's own lock is between processes only. */
export class Database {
  readonly #file: string;
  readonly #options: ResultsOptions;
  static readonly #queues = new Map<string, Promise<unknown>>();
  #held: {readonly instance: DuckDBInstance; readonly connection: DuckDBConnection} | undefined;

  constructor(file: string, options: ResultsOptions) {
    this.#file = file;
    this.#options = options;
  }

  write<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<Result<T, Problem>> {
    return this.#queued(async () => {
      mkdirSync(dirname(this.#file), {recursive: true});
      return this.#withConnection('READ_WRITE', async (connection) => {
        const current = await bringUpToDate(connection, this.#file, this.#baselines());
        return current.ok ? succeed(await inTransaction(connection, () => work(connection))) : current;
      });
    });
  }

  read<T>(work: (connection: DuckDBConnection) => Promise<Result<T, Problem>>): Promise<Result<T, Problem>> {
    return this.#queued(async () => {
      if (!existsSync(this.#file))
        return fail({
          message: 'there are no results yet',
          file: this.#file,
          hint: 'Run "pipeline run <spec>" first. If there are runs already, "pipeline db rebuild" adds them to the database.',
        });
      if (this.#held) return work(this.#held.connection);
      const first = await this.#withConnection('READ_ONLY', async (connection) =>
        (await isCurrent(connection, this.#baselines())) ? {done: await work(connection)} : {done: undefined},
      );
      if (!('done' in first)) return first;
      if (first.done) return first.done;
      const updated = await this.#withConnection('READ_WRITE', (connection) =>
        bringUpToDate(connection, this.#file, this.#baselines()),
      );
      return updated.ok ? this.#withConnection('READ_ONLY', work) : updated;
    });
  }

  close(): void {
    this.#held?.connection.closeSync();
    this.#held?.instance.closeSync();
    this.#held = undefined;
  }

  #queued<T>(work: () => Promise<T>): Promise<T> {
    const turn = (Database.#queues.get(this.#file) ?? Promise.resolve()).then(work, work);
    Database.#queues.set(this.#file, turn);
    return turn;
  }

  async #withConnection<T>(
    mode: 'READ_ONLY' | 'READ_WRITE',
    work: (connection: DuckDBConnection) => Promise<T>,
  ): Promise<T | {readonly ok: false; readonly failures: readonly Problem[]}> {
    if (this.#held) return work(this.#held.connection);
    const opened = await this.#open(mode);
    if (!opened.ok) return opened;
    const instance = opened.value;
    if (this.#options.hold && mode === 'READ_WRITE') {
      this.#held = {instance, connection: await instance.connect()};
      return work(this.#held.connection);
    }
    try {
      const connection = await instance.connect();
      try {
        return await work(connection);
      } finally {
        connection.closeSync();
      }
    } finally {
      instance.closeSync();
    }
  }

  async #open(mode: 'READ_ONLY' | 'READ_WRITE'): Promise<Result<DuckDBInstance, Problem>> {
    const deadline = Date.now() + (this.#options.waitSeconds ?? 30) * 1000;
    for (let pause = 50; ; pause = Math.min(2 * pause, 1000)) {
      try {
        return succeed(await duckdb.DuckDBInstance.create(this.#file, {access_mode: mode, ...settings[mode]}));
      } catch (error) {
        const message = (error as Error).message;
        const holder = /Conflicting lock is held in (.+?)\. See/s.exec(message)?.[1] ?? 'another process';
        if (!message.includes('Could not set lock')) return fail(this.#cannotOpen(message));
        if (pause === 50) this.#options.report?.(`waiting for ${this.#file}, which ${holder} has open`);
        if (Date.now() + pause > deadline)
          return fail({
            message: `the results database is in use by ${holder}`,
            file: this.#file,
            hint: 'Try again later. No result is lost: "pipeline db rebuild" adds every run in the folder to the database.',
          });
        await wait(pause);
      }
    }
  }

  #cannotOpen(message: string): Problem {
    if (message.includes('not a valid DuckDB database'))
      return {
        message: `${unusable}the file is not a DuckDB database`,
        file: this.#file,
        hint: '"pipeline db rebuild" makes it again from the runs.',
      };
    return {message: `the results database cannot be opened: ${firstLine(message)}`, file: this.#file};
  }

  #known: BaselineRows | undefined;
  #baselines(): BaselineRows {
    this.#known ??= baselineRows(this.#options.baselines ?? readBaselines());
    return this.#known;
  }
}

// No extension is ever fetched: what we use is built in.
const settings = {
  READ_WRITE: {
    autoinstall_known_extensions: 'false',
    // Our texts repeat, so that this is what they are compressed by anyway: to try all ways for every column takes as long as
    // all else that filing a small run does.
    force_compression: 'dictionary',
  },
  // Statements of the user's: no file is read or written, and no setting changed back. The lock comes last.
  READ_ONLY: {
    autoinstall_known_extensions: 'false',
    memory_limit: '2GB',
    temp_directory: '',
    enable_external_access: 'false',
    lock_configuration: 'true',
  },
} as const;

const firstLine = (text: string) => text.split('\n')[0]!;
