import {expect, test} from 'vitest';
import {type Ahead, secondsToEnd} from '../../../src/pipeline/ending/schedule.ts';

const stage = (id: string, seconds: number, after: readonly string[] = [], more: Partial<Ahead> = {}): Ahead => ({
  id,
  seconds,
  lane: 'accelerator',
  isRunning: false,
  inputs: Object.fromEntries(after.map((from) => [from, {stage: from}])),
  ...more,
});

test('nothing ahead ends now', () => {
  expect(secondsToEnd([], {cpu: 1, accelerator: 1})).toBe(0);
});

test('five stages of 10 s: one after the other, or as many as there are places', () => {
  const five = ['a', 'b', 'c', 'd', 'e'].map((id) => stage(id, 10));
  expect(secondsToEnd(five, {cpu: 1, accelerator: 1})).toBe(50);
  expect(secondsToEnd(five, {cpu: 1, accelerator: 2})).toBe(30);
  expect(secondsToEnd(five, {cpu: 1, accelerator: 8})).toBe(10);
});

test('a stage that runs keeps its place; who waits for it begins when it ends', () => {
  const stages = [
    stage('next', 5, ['long']),
    stage('free', 4),
    stage('long', 30, [], {isRunning: true}),
    stage('short', 2, [], {isRunning: true}),
  ];
  // Two places: long until 30, short until 2, then free until 6; next from 30.
  expect(secondsToEnd(stages, {cpu: 1, accelerator: 2})).toBe(35);
});

test('lanes are apart, and inputs that are there already delay nobody', () => {
  const stages = [
    stage('learn', 10, ['data that is cached']),
    stage('evaluate', 3, ['learn'], {lane: 'cpu'}),
    stage('other', 12, [], {lane: 'cpu'}),
  ];
  // One core: other until 12, then evaluate until 15.
  expect(secondsToEnd(stages, {cpu: 1, accelerator: 1})).toBe(15);
  expect(secondsToEnd(stages, {cpu: 2, accelerator: 1})).toBe(13);
});
