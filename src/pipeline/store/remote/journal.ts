/**
 * What this folder knows of a store: entries and runs that are there, and those that are to be pushed. A file of lines that are added, one
 * a change (`+` there, `?` to be pushed), so that a killed run knows what it owes; a lost line costs a question to the store.
 */
import {appendFileSync, mkdirSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {sha256} from '../../../core/base/canonical.ts';
import {readTextIfThere} from '../../../core/base/files.ts';

export interface Journal {
  isThere(name: string): boolean;
  /** To be pushed, oldest first. */
  owed(): readonly string[];
  there(name: string): void;
  owe(name: string): void;
}

/** `store`: its name. Names are fingerprints and ids of runs. */
export function openJournal(cacheRoot: string, store: string): Journal {
  const file = join(cacheRoot, 'stores', `${sha256(store).slice(0, 16)}.txt`);
  const states = new Map<string, string>();
  for (const line of (readTextIfThere(file) ?? '').split('\n')) {
    const [, state, name] = /^([+?]) ([\w.-]+)$/.exec(line) ?? [];
    if (state !== undefined && name !== undefined) states.set(name, state);
  }
  const note = (state: string, name: string): void => {
    if (states.get(name) === state) return;
    states.set(name, state);
    try {
      mkdirSync(dirname(file), {recursive: true});
      appendFileSync(file, `${state} ${name}\n`);
    } catch {
      // It is only memory: a full disk must not end the run.
    }
  };
  return {
    isThere: (name) => states.get(name) === '+',
    owed: () => [...states].flatMap(([name, state]) => (state === '?' ? [name] : [])),
    there: (name) => note('+', name),
    owe: (name) => note('?', name),
  };
}
