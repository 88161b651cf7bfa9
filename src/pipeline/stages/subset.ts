/**
 * Seeded random subsets of a stream of images whose length and classes are not known in advance. Every image draws a number from the
 * generator of its class, and images with the smallest numbers are chosen. So a smaller subset is part of a larger one, and the choice
 * within a class does not depend on other classes.
 */
import TinyQueue from 'tinyqueue';
import {Rng} from '../../core/base/random.ts';

/** It has the same seed for all runs, so that all tasks share one subset. */
const stream = new Rng('subset of the images');

export class Subset {
  readonly #perClass: number;
  readonly #rng: Rng;
  readonly #classes = new Map<string, Running>();
  #rows = 0;

  /** @param perClass the most images of a class that can be chosen in the end. */
  constructor(split: string, perClass: number) {
    this.#perClass = perClass;
    this.#rng = stream.fork(split);
  }

  /** Offers the next image of the stream. Returns true if it may be in the subset: it is then the next candidate. */
  offer(name: string): boolean {
    let running = this.#classes.get(name);
    if (!running) {
      running = {rng: this.#rng.fork(name), seen: 0, smallest: new SmallestKeys(this.#perClass)};
      this.#classes.set(name, running);
    }
    running.seen++;
    const accepted = running.smallest.offer(running.rng.uniform(), this.#rows);
    if (accepted) this.#rows++;
    return accepted;
  }

  /** Number of images of each class that were offered. */
  get seen(): ReadonlyMap<string, number> {
    return new Map([...this.#classes].map(([name, {seen}]) => [name, seen]));
  }

  /** Numbers of the candidates, from 0, that are in the final subset: at most `most(class)` of each class. */
  chosen(most: (name: string) => number): ReadonlySet<number> {
    return new Set([...this.#classes].flatMap(([name, {smallest}]) => smallest.rows(most(name))));
  }
}

interface Running {
  readonly rng: Rng;
  seen: number;
  readonly smallest: SmallestKeys;
}

interface Keyed {
  readonly key: number;
  readonly row: number;
}

/** Orders by key; if keys are equal, the earlier row comes first. */
const byKey = (a: Keyed, b: Keyed): number => a.key - b.key || a.row - b.row;

/** Keeps the `capacity` smallest keys of a stream. */
class SmallestKeys {
  readonly #capacity: number;
  /** The largest key comes first. */
  readonly #kept = new TinyQueue<Keyed>([], (a, b) => byKey(b, a));

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  offer(key: number, row: number): boolean {
    const item = {key, row};
    if (this.#kept.length >= this.#capacity) {
      const largest = this.#kept.peek();
      if (largest === undefined || byKey(item, largest) > 0) return false;
      this.#kept.pop();
    }
    this.#kept.push(item);
    return true;
  }

  rows(most: number): readonly number[] {
    const sorted = this.#kept.data.toSorted(byKey);
    return sorted.slice(0, most).map(({row}) => row);
  }
}

/**
 * Divides `total` places among classes in proportion to their sizes (largest remainder). If there are enough places, every class gets at
 * least one, because a test set without normal images has no AUC.
 */
export function stratify(sizes: ReadonlyMap<string, number>, total: number): ReadonlyMap<string, number> {
  const all = [...sizes.values()].reduce((a, b) => a + b, 0);
  if (total >= all) return sizes;
  const least = total >= sizes.size ? 1 : 0;
  const shares = [...sizes].map(([name, size]) => {
    const share = (size * total) / all;
    return {name, size, share, places: Math.max(Math.min(least, size), Math.floor(share))};
  });
  for (let rest = total - shares.reduce((sum, {places}) => sum + places, 0); rest !== 0; rest -= Math.sign(rest)) {
    // The class that is furthest from its share gives or gets one place; among equals, the first.
    const lack = (one: (typeof shares)[number]): number =>
      rest > 0
        ? one.places < one.size
          ? one.share - one.places
          : Number.NEGATIVE_INFINITY
        : one.places > least
          ? one.places - one.share
          : Number.NEGATIVE_INFINITY;
    const furthest = shares.reduce((best, one) => (lack(one) > lack(best) ? one : best));
    furthest.places += Math.sign(rest);
  }
  return new Map(shares.map(({name, places}) => [name, places]));
}
