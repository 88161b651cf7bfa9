/** The nodes of a YAML document: their plain values, and the place of every path in them. */
import type {Document, Node, YAMLMap} from 'yaml';
import {isAlias, isCollection, isMap, isPair, isScalar, isSeq} from 'yaml';
import {count, nearest} from '../../core/base/text.ts';
import type {Path} from '../../core/plugin/check.ts';
import type {Problem, SourceRange} from '../failures.ts';
import type {MakeProblem} from './syntax.ts';

/** Values that aliases may add to those that are written: "billion laughs" stops here. */
const maxValues = 100_000;
export const maxDepth = 100;

type Entries = Map<string, {key: Node; value: Node | undefined}>;

/** A document's nodes: converts them to plain values (aliases and `<<` resolved) and finds paths in them. */
export class Tree {
  readonly problems: Problem[] = [];
  readonly #root: Node;
  readonly #problem: MakeProblem;
  readonly #targets = new Map<Node, Node>();
  readonly #found = new Map<YAMLMap, Entries>();
  #written = 0;
  #values = 0;

  constructor(document: Document.Parsed, problem: MakeProblem) {
    this.#root = document.contents as Node;
    this.#problem = problem;
    this.#resolveAliases(this.#root, new Map(), 0);
  }

  value(): unknown {
    return this.problems.length > 0 ? undefined : this.#convert(this.#root, new Set());
  }

  locate(path: Path, at: 'key' | 'value', range: (start: number, end: number) => SourceRange): SourceRange | undefined {
    let node = this.#root;
    let found: Node | undefined;
    for (const [depth, part] of path.entries()) {
      const inside = this.#target(node);
      const entry = isMap(inside)
        ? this.#remembered(inside).get(String(part))
        : isSeq(inside)
          ? {key: undefined, value: inside.items[Number(part)] as Node | undefined}
          : undefined;
      if (!entry?.value) break;
      node = entry.value;
      const last = depth === path.length - 1;
      // An empty value (`epochs:`) has no place, and the key of a mapping is a better place than its first line.
      const keyIsBetter = (last && at === 'key') || isEmpty(node) || (isCollection(node) && !node.flow);
      found = entry.key && keyIsBetter ? entry.key : node;
    }
    const [start, end] = found?.range ?? [];
    return start === undefined || end === undefined ? undefined : range(start, end);
  }

  // Document order matters: an anchor may be defined twice, and an alias means the last one before it.
  #resolveAliases(node: unknown, anchors: Map<string, Node>, depth: number): void {
    this.#written++;
    if (depth > maxDepth) {
      if (this.problems.length === 0) this.#report('the values are nested too deeply', node as Node);
      return;
    }
    if (isPair(node)) {
      this.#checkKey(node.key as Node);
      this.#resolveAliases(node.key, anchors, depth + 1);
      this.#resolveAliases(node.value, anchors, depth + 1);
    } else if (isAlias(node)) {
      const target = anchors.get(node.source);
      if (target) this.#targets.set(node, target);
      else {
        const meant = nearest(node.source, anchors.keys());
        const hint = meant ? `Did you mean "*${meant}"?` : 'An anchor (&name) must come before its aliases (*name).';
        this.#report(`there is no anchor "&${node.source}" before this alias`, node, hint);
      }
    } else if (isCollection(node) || isScalar(node)) {
      if (node.anchor) anchors.set(node.anchor, node);
      if (isMap(node)) this.#checkTwice(node);
      if (isCollection(node)) for (const item of node.items) this.#resolveAliases(item, anchors, depth + 1);
    }
  }

  #checkTwice(map: YAMLMap): void {
    const seen = new Set<string>();
    for (const {key} of map.items) {
      if (!isScalar(key)) continue;
      const name = String(key.value);
      if (seen.has(name))
        this.#report(`the key ${JSON.stringify(name)} is here twice`, key as Node, 'Remove one of the two.');
      seen.add(name);
    }
  }

  #checkKey(key: Node): void {
    if (!isScalar(key)) this.#report('expected a key to be a plain text', key);
    else if (['__proto__', 'constructor', 'prototype'].includes(String(key.value)))
      this.#report(`"${key.value}" cannot be a key`, key, 'This name has a special meaning in JavaScript.');
  }

  #convert(node: Node | null | undefined, open: Set<Node>): unknown {
    if (!node) return null;
    if (++this.#values > this.#written + maxValues) {
      if (this.problems.length === 0)
        this.#report(
          `the file's aliases add more than ${count(maxValues)} values`,
          [...open].at(-1) ?? node,
          'Aliases of aliases multiply; write fewer of them.',
        );
      return undefined;
    }
    const target = this.#target(node);
    if (isScalar(target)) {
      if (typeof target.value === 'number') {
        if (!Number.isFinite(target.value))
          this.#report('expected a finite number', node, 'Options are kept as JSON, which has no .inf and no .nan.');
        else if (isRounded(target.source, target.value))
          this.#report(
            `expected an integer that can be held exactly, but ${target.source} would become ${target.value}`,
            node,
            `The largest is ${Number.MAX_SAFE_INTEGER}.`,
          );
      }
      return target.value;
    }
    if (open.has(target)) {
      this.#report('this alias contains itself', node);
      return undefined;
    }
    open.add(target);
    let value: unknown;
    if (isSeq(target)) value = target.items.map((item) => this.#convert(item as Node, open));
    else {
      const entries = [...this.#entries(target as YAMLMap, true)];
      value = Object.fromEntries(entries.map(([key, entry]) => [key, this.#convert(entry.value, open)]));
    }
    open.delete(target);
    return value;
  }

  /** A mapping's entries with those that `<<` brings in; a key that is written here wins, then the earlier merged one. */
  #entries(map: YAMLMap, report = false, open: readonly Node[] = []): Entries {
    const own: Entries = new Map();
    const merged: Entries = new Map();
    for (const {key, value} of map.items as {key: Node; value: Node | undefined}[]) {
      const name = isScalar(key) ? String(key.value) : '';
      if (name !== '<<') {
        own.set(name, {key, value});
        continue;
      }
      const source = value && this.#target(value);
      for (const item of isSeq(source) ? (source.items as Node[]) : [value]) {
        const from = item && this.#target(item);
        if (isMap(from) && !open.includes(from) && from !== map) {
          for (const [inner, entry] of this.#entries(from, report, [...open, map]))
            if (!merged.has(inner)) merged.set(inner, entry);
        } else if (report) {
          const message = isMap(from) ? 'this alias contains itself' : 'expected "<<" to be an alias of a mapping';
          this.#report(message, item ?? key);
        }
      }
    }
    for (const [name, entry] of merged) if (!own.has(name)) own.set(name, entry);
    return own;
  }

  /** A file with many problems asks for the same mappings again and again. */
  #remembered(map: YAMLMap): Entries {
    const entries = this.#found.get(map) ?? this.#entries(map);
    this.#found.set(map, entries);
    return entries;
  }

  #target(node: Node): Node {
    return this.#targets.get(node) ?? node;
  }

  #report(message: string, node: Node, hint?: string): void {
    const [start, end] = node?.range ?? [];
    const at = start === undefined || end === undefined ? undefined : ([start, end] as const);
    this.problems.push(this.#problem(message, at, hint));
  }
}

/** An integer, as written, that is another one in memory. */
const isRounded = (written: string | undefined, value: number): boolean =>
  /^[-+]?(?:\d+|0x[\da-f]+|0o[0-7]+)$/i.test(written ?? '') &&
  BigInt(written!.replace(/^[-+]/, '')) !== BigInt(Math.abs(value));

const isEmpty = (node: Node): boolean => isScalar(node) && node.value === null && node.range?.[0] === node.range?.[1];
