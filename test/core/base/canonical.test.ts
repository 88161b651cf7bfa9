import {expect, test} from 'vitest';
import {canonicalJson, digestOf, type Json, sha256} from '../../../src/core/base/canonical.ts';

test('keys are sorted by code unit, undefined fields are left out, and there is no white space', () => {
  // By locale ä would come before z, and a before B.
  const value = {z: [1, {b: null, a: true}], ä: 'x "y"', B: -0, a: undefined, é: {}, '': [], a1: 1e21};
  expect(canonicalJson(value)).toBe('{"":[],"B":0,"a1":1e+21,"z":[1,{"a":true,"b":null}],"ä":"x \\"y\\"","é":{}}');
  expect(canonicalJson({b: 1, a: 2})).toBe(canonicalJson({a: 2, b: 1, c: undefined}));
  expect(canonicalJson(Object.assign(Object.create(null), {a: 1}))).toBe('{"a":1}');
});

test('what JSON would change in silence is refused', () => {
  const refused: readonly (readonly [unknown, string])[] = [
    [Number.NaN, 'NaN'],
    [[Number.NEGATIVE_INFINITY], '-Infinity'],
    [{at: new Date(0)}, '[object Date]'],
    [new Map([['a', 1]]), '[object Map]'],
    [() => 1, '[object Function]'],
    [[undefined], '[object Undefined]'],
    [new (class Own {})(), '[object Object]'],
  ];
  for (const [value, name] of refused)
    expect(() => canonicalJson(value as Json), name).toThrow(new TypeError(`canonical JSON has no ${name}`));
});

test('digests are SHA-256 of the text, in UTF-8', () => {
  // As sha256sum prints it of nothing, and of "abc" (FIPS 180-2, appendix B.1).
  expect(sha256('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  expect(sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  expect(digestOf({a: 'é'})).toBe(sha256(new TextEncoder().encode('{"a":"é"}')));
});
