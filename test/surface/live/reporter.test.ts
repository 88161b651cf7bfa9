import {afterEach, describe, expect, test, vi} from 'vitest';
import {columnsOf} from '../../../src/core/base/width.ts';
import type {Task} from '../../../src/pipeline/config/spec.ts';
import type {RunEvent, StageKind, StageProgress, Unstamped} from '../../../src/pipeline/events.ts';
import type {Output, ShownRun} from '../../../src/surface/live/contract.ts';
import {startedText} from '../../../src/surface/live/lines.ts';
import {createReporter, type ReporterKind} from '../../../src/surface/live/reporter.ts';
import {Terminal} from '../../rig/terminal.ts';

const begin = Date.parse('2026-11-24T03:00:00Z');
/** `[seconds since the start, event]`. */
type Script = readonly (readonly [number, Unstamped])[];

const stage = (label: string) => ({stage: label, kind: label.split(' ')[0] as StageKind, label});
const started = (label: string): Unstamped => ({type: 'stage-started', ...stage(label)});
const finished = (label: string, seconds: number, how: 'computed' | 'cached' = 'computed'): Unstamped => ({
  type: 'stage-finished',
  ...stage(label),
  how,
  fingerprint: 'f'.repeat(64) as never,
  seconds,
  ...(how === 'computed' ? {peakMemory: 178e6} : {}),
  summary: null,
});
const failed = (label: string, message: string, hint?: string): Unstamped => ({
  type: 'stage-failed',
  ...stage(label),
  message,
  ...(hint ? {hint} : {}),
});
const skipped = (label: string, because: string): Unstamped => ({type: 'stage-skipped', ...stage(label), because});
const progress = (label: string, of: StageProgress): Unstamped => {
  return {type: 'stage-progress', stage: label, label, progress: of};
};
const training = (epoch: number): StageProgress => ({
  of: 'training',
  epoch,
  epochs: 20,
  step: 7,
  steps: 32,
  loss: 0.8123,
  accuracy: 0.714,
  learningRate: 0.01,
  imagesPerSecond: 1240.4,
  secondsLeft: 70.2,
});

const stamped = (second: number, event: Unstamped): RunEvent =>
  ({at: new Date(begin + second * 1000).toISOString(), ...event}) as RunEvent;

const runStarted: Unstamped = {
  type: 'run-started',
  run: '20261124-030000-shirts-ab12',
  spec: 'shirts',
  tasks: 1,
  stages: 9,
};
const learn = 'learn rotation · shirt · seed 0';
const score = 'score mine · rotation · shirt · seed 0';

test('a run whose networks are not computed in float32 says so as it begins', () => {
  const started = {at: '', ...runStarted} as Extract<RunEvent, {type: 'run-started'}>;
  expect(startedText(started)).toBe('1 task, 9 stages, run 20261124-030000-shirts-ab12');
  expect(startedText({...started, precisions: ['float32', 'bf16']})).toBe(
    '1 task, 9 stages, networks in float32 and bf16, run 20261124-030000-shirts-ab12',
  );
});

/** A run in which everything happens. */
const eventful: Script = [
  [0, runStarted],
  [0, {type: 'note', message: 'compiling the binding'}],
  [0.1, finished('data fashion-mnist', 0.01, 'cached')],
  [
    1,
    {
      type: 'engine-started',
      engine: {
        name: 'wasm',
        version: '4.22.0',
        device: 'cpu',
        threads: 1,
        remark: 'no compiler here; "pipeline doctor" says more',
      },
    },
  ],
  [1, started(learn)],
  [2, progress(learn, training(3))],
  [10, progress(learn, training(4))],
  [18, progress(learn, training(9))],
  [20, {type: 'warning', stage: learn, message: "the last epoch's loss is that of guessing"}],
  [21, finished(learn, 20)],
  [21, started('embed test rotation.pool')],
  [22, progress('embed test rotation.pool', {of: 'items', done: 5120, total: 10_000, unit: 'images', perSecond: 2048})],
  [24, finished('embed test rotation.pool', 3.2)],
  [24, started(score)],
  [
    25,
    failed(score, 'its worker process ended with status 3\nRangeError: out of range', 'Thrown at fit (mine.js:3:1).'),
  ],
  [25, skipped('evaluate mine · rotation · shirt · seed 0', `"${score}" failed`)],
  [25, {type: 'warning', message: 'a cache entry was damaged'}],
  [25, skipped('score kde', 'there is no engine')],
  [25, skipped('evaluate kde', 'there is no engine')],
  [
    26,
    {
      type: 'run-finished',
      run: '20261124-030000-shirts-ab12',
      outcome: 'failed',
      computed: 2,
      cached: 1,
      failed: 1,
      skipped: 3,
      seconds: 26,
    },
  ],
];

function play(
  kind: ReporterKind,
  output: Output,
  script: Script,
  after?: (event: RunEvent) => void,
  errors: Output = output,
  graph: ShownRun['graph'] = [],
): void {
  const reporter = createReporter(kind, output, errors, {graph});
  for (const [second, unstamped] of script) {
    const event = stamped(second, unstamped);
    reporter.event(event);
    after?.(event);
  }
  reporter.close();
}

const texts = (kind: ReporterKind, script: Script) => {
  const written = {output: '', errors: ''};
  const to = (name: keyof typeof written): Output => ({
    write: (part) => {
      written[name] += part;
    },
  });
  play(kind, to('output'), script, undefined, to('errors'));
  return written;
};
const text = (kind: ReporterKind, script: Script): string => texts(kind, script).output;

afterEach(() => {
  vi.useRealTimers();
});

/** Two tasks that share their data; the second fails. */
const [bag, coat] = ['spec/bag/rotation/seed=0', 'spec/coat/rotation/seed=0'] as const;
const planned: ShownRun['graph'] = [
  {id: 'data', kind: 'data', tasks: [bag, coat], lane: 'cpu', recipe: {}, inputs: {}},
  ...[bag, coat].flatMap((task): ShownRun['graph'] => [
    {
      id: `learn ${task}`,
      kind: 'learn',
      tasks: [task],
      lane: 'accelerator',
      recipe: {learner: {type: 'rotation', epochs: 20}, versions: {}, augment: [], seed: 0, normal: task},
      inputs: {images: {stage: 'data', file: 'train.arrow'}},
    },
    {
      id: `score ${task}`,
      kind: 'score',
      tasks: [task],
      lane: 'accelerator',
      recipe: {},
      inputs: {train: {stage: `learn ${task}`, file: 'x'}},
    },
    {
      id: `evaluate ${task}`,
      kind: 'evaluate',
      tasks: [task],
      results: [{task, classifier: 'kde'}],
      lane: 'cpu',
      recipe: {},
      inputs: {scores: {stage: `score ${task}`, file: 'x'}},
    },
  ]),
];
const of = (kind: StageKind, task: string, event: object): Unstamped =>
  ({stage: `${kind} ${task}`, kind, label: `${kind} rotation · ${task.split('/')[1]} · seed 0`, ...event}) as Unstamped;
const computed = (seconds: number, summary: unknown = null) => ({
  type: 'stage-finished',
  how: 'computed',
  seconds,
  peakMemory: 178e6,
  summary,
});
const twoTasks: Script = [
  [0, {...runStarted, tasks: 2, stages: 7} as Unstamped],
  [1, {stage: 'data', kind: 'data', label: 'data fashion-mnist', ...computed(1)} as Unstamped],
  [1, of('learn', bag, {type: 'stage-started'})],
  [1, of('learn', coat, {type: 'stage-started'})],
  ...[0, 1, 2, 3].map(
    (epoch) =>
      [
        2 + epoch,
        of('learn', bag, {type: 'stage-progress', progress: {...training(epoch), loss: 3 - epoch / 2}}),
      ] as const,
  ),
  [7, of('learn', bag, computed(6))],
  [7, of('score', bag, {type: 'stage-started'})],
  [8, of('score', bag, computed(1))],
  [8, of('evaluate', bag, computed(0.02, {metrics: {auc: 0.964, fpr95: 0.15}, normal: 1, anomalous: 9}))],
  [9, of('learn', coat, computed(8))],
  [9, of('score', coat, {type: 'stage-failed', message: 'out of memory'})],
  [9, of('evaluate', coat, {type: 'stage-skipped', because: 'score failed'})],
];

test('plain prints one line for each event, progress every 15 seconds, and only counts hits', () => {
  expect(text('plain', eventful)).toMatchInlineSnapshot(`
    "shirts: 1 task, 9 stages, run 20261124-030000-shirts-ab12
    compiling the binding
    engine wasm 4.22.0 on cpu, 1 thread
    note: no compiler here; "pipeline doctor" says more
    [1/9] … learn rotation · shirt · seed 0: epoch 10/20 · loss 0.812 · accuracy 71.4 % · 1,240 images/s · 1 min 10 s left
    warning: learn rotation · shirt · seed 0: the last epoch's loss is that of guessing
    [2/9] ✓ learn rotation · shirt · seed 0: 20 s · 178 MB peak
    [3/9] ✓ embed test rotation.pool: 3.2 s · 178 MB peak
    [4/9] ✗ score mine · rotation · shirt · seed 0: its worker process ended with status 3
        RangeError: out of range
        Thrown at fit (mine.js:3:1).
    [5/9] – evaluate mine · rotation · shirt · seed 0: skipped, "score mine · rotation · shirt · seed 0" failed
    warning: a cache entry was damaged
    [7/9] – 2 stages skipped, there is no engine
    Failed in 26 s: 2 computed, 1 cached, 1 failed, 3 skipped.
    "
  `);
});

test('quiet also says whom the run waits for, but no other warning', () => {
  const wait: Unstamped = {type: 'warning', stage: learn, message: 'waiting for process 7 on elsewhere', wait: true};
  const text = JSON.stringify(
    texts('quiet', [
      [0, runStarted],
      [1, wait],
      [2, {type: 'warning', message: 'odd'}],
    ]),
  );
  expect(text).toContain('waiting for process 7 on elsewhere');
  expect(text).not.toContain('odd');
});

test('auto is plain in a pipe; json prints events; quiet prints only failures', () => {
  expect(text('auto', eventful)).toBe(text('plain', eventful));
  expect(
    text('json', eventful)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toEqual(eventful.map(([second, event]) => stamped(second, event)));
  expect(texts('quiet', eventful)).toMatchInlineSnapshot(`
    {
      "errors": "✗ score mine · rotation · shirt · seed 0: its worker process ended with status 3
        RangeError: out of range
        Thrown at fit (mine.js:3:1).
    ",
      "output": "",
    }
  `);
});

describe('in a terminal', () => {
  /** Fake clocks: the ticks of the live view come only when a test wants them. */
  const live = (terminal: Terminal, script: Script, after?: (event: RunEvent) => void) => {
    vi.useFakeTimers({now: begin});
    play('auto', terminal, script, after);
  };

  test('the live view, event by event', () => {
    const terminal = new Terminal(80, 24);
    const views: string[] = [];
    live(terminal, eventful.slice(0, 13), ({type}) => {
      if (type === 'stage-progress' || type === 'engine-started') views.push(terminal.screen.join('\n'));
    });
    expect(`${views[0]}\n========\n${views.at(-1)}`).toMatchInlineSnapshot(`
      "shirts  1 task, 9 stages, run 20261124-030000-shirts-ab12
      compiling the binding
      engine wasm 4.22.0 on cpu, 1 thread
      note: no compiler here; "pipeline doctor" says more
      ██░░░░░░░░░░░░░░ 1/9 stages · 1 cached · 1.0 s

      ========
      shirts  1 task, 9 stages, run 20261124-030000-shirts-ab12
      compiling the binding
      engine wasm 4.22.0 on cpu, 1 thread
      note: no compiler here; "pipeline doctor" says more
      ! learn rotation · shirt · seed 0: the last epoch's loss is that of guessing
      ✓ learn rotation · shirt · seed 0  20 s · 178 MB peak
      ⠸ embed test rotation.pool
        ████████░░░░░░░░ 5,120/10,000 images · 2,048 images/s
      ████░░░░░░░░░░░░ 2/9 stages · 1 cached · 22 s
      "
    `);
  });

  test('plain lines of progress say when the run may end', () => {
    let said = '';
    const later = twoTasks.map(([second, event]) => [20 * second, event] as const);
    play('plain', {write: (text) => (said += text)}, later, undefined, undefined, planned);
    expect(said).toMatch(/ … learn rotation · bag · seed 0: epoch .* left · the run ends in (about|less)/);
  });

  test('tasks show their progress and loss curve, and at the end their time and first metric', () => {
    const terminal = new Terminal(80, 24);
    vi.useFakeTimers({now: begin});
    let view = '';
    const look = ({type}: RunEvent) => {
      if (type === 'stage-progress') view = terminal.screen.join('\n');
    };
    play('auto', terminal, twoTasks, look, terminal, planned);
    expect(`${view}\n========\n${terminal.history}`).toMatchInlineSnapshot(`
      "shirts  2 tasks, 7 stages, run 20261124-030000-shirts-ab12
      ✓ data fashion-mnist  1.0 s · 178 MB peak
      ⠙ bag/rotation/seed=0  ✓ data  ⠙ learn  · score  · evaluate
        learn ███░░░░░░░░░░░░░ epoch 4/20 · loss 1.500 · █▆▃▁ · 1 min 10 s left
      ⠙ coat/rotation/seed=0  ✓ data  ⠙ learn  · score  · evaluate  learn 4.0 s
      ██░░░░░░░░░░░░░░ 1/7 stages · 5.0 s · ends in less than a minute

      ========
      shirts  2 tasks, 7 stages, run 20261124-030000-shirts-ab12
      ✓ data fashion-mnist  1.0 s · 178 MB peak
      ✓ bag/rotation/seed=0  learn 6.0 s · score 1.0 s · evaluate 0.02 s
          auc 96.4 kde
      ✗ score rotation · coat · seed 0: out of memory
      ✗ coat/rotation/seed=0  learn 8.0 s
      "
    `);
  });

  test('a search counts what is added, and reports trials, not their tasks', () => {
    const terminal = new Terminal(80, 24);
    const grown = (trial: number): Unstamped => {
      const task = {id: `shirts/bag/rotation/trial=${trial}.0/seed=0`} as Task;
      const node = {inputs: {}, recipe: {}, lane: 'cpu', tasks: [task.id]} as const;
      return {
        type: 'plan-grown',
        tasks: [task],
        stages: ['learn', 'evaluate'].map((kind) => ({
          ...node,
          id: `${kind} ${trial}`,
          kind,
          label: `${kind} ${trial}`,
        })),
        shared: trial === 0 ? [] : [{id: 'evaluate 0', tasks: [task.id]}],
      };
    };
    const script: Script = [
      [0, {...runStarted, tasks: 0, stages: 0} as Unstamped],
      [0, grown(0)],
      [1, started('learn 0')],
      [2, finished('learn 0', 1)],
      [3, started('evaluate 0')],
      [4, finished('evaluate 0', 1)],
      [4, {type: 'note', message: 'trial 0: 0.7000'}],
      [5, grown(1)],
      [6, started('learn 1')],
    ];
    let view = '';
    live(terminal, script, () => {
      view = terminal.screen.join('\n');
    });
    expect(view).toMatchInlineSnapshot(`
      "shirts  run 20261124-030000-shirts-ab12
      trial 0: 0.7000
      ⠋ bag/rotation/trial=1.0/seed=0  ⠋ learn  · evaluate  learn 0.00 s
      ████████░░░░░░░░ 2/4 stages · 6.0 s
      "
    `);
  });

  test('what is left when it has ended', () => {
    const terminal = new Terminal(80, 24);
    live(terminal, eventful);
    expect(terminal.history).toMatchInlineSnapshot(`
      "shirts  1 task, 9 stages, run 20261124-030000-shirts-ab12
      compiling the binding
      engine wasm 4.22.0 on cpu, 1 thread
      note: no compiler here; "pipeline doctor" says more
      ! learn rotation · shirt · seed 0: the last epoch's loss is that of guessing
      ✓ learn rotation · shirt · seed 0  20 s · 178 MB peak
      ✓ embed test rotation.pool  3.2 s · 178 MB peak
      ✗ score mine · rotation · shirt · seed 0: its worker process ended with status 3
          RangeError: out of range
          Thrown at fit (mine.js:3:1).
      – evaluate mine · rotation · shirt · seed 0: skipped, "score mine · rotation · shirt · seed 0" failed
      ! a cache entry was damaged
      – 2 stages skipped, there is no engine
      Failed in 26 s: 2 computed, 1 cached, 1 failed, 3 skipped.
      "
    `);
  });

  test('at 40 columns: live lines are cut and never wrap', () => {
    const terminal = new Terminal(40, 24);
    const views: string[] = [];
    live(terminal, eventful, () => views.push(terminal.screen.join('\n')));
    expect(views[5]).toMatchInlineSnapshot(`
      "shirts  1 task, 9 stages, run 20261124-0
      30000-shirts-ab12
      compiling the binding
      engine wasm 4.22.0 on cpu, 1 thread
      note: no compiler here; "pipeline doctor
      " says more
      ⠦ learn rotation · shirt · seed 0
        █░░░░░░░ epoch 4/20 · loss 0.812
      █░░░░░░░ 1/9 stages · 1 cached · 2.0 s
      "
    `);
    const wide = new Terminal(200, 24);
    live(wide, eventful);
    expect(terminal.history).toBe(wide.history);
  });

  test('wide characters', () => {
    const label = `learn 回転 · ${'上着'.repeat(20)} · seed 0`;
    const terminal = new Terminal(40, 10);
    live(
      terminal,
      [
        [0, runStarted],
        [0, started(label)],
        [1, progress(label, training(1))],
      ],
      () => {
        for (const row of terminal.screen.slice(2)) expect(columnsOf(row)).toBeLessThan(40);
      },
    );
    expect(terminal.history).toBe('shirts  1 task, 9 stages, run 20261124-030000-shirts-ab12\n');
  });

  test('more running stages than rows', () => {
    const labels = Array.from({length: 30}, (_, i) => `learn rotation · class ${i}`);
    const terminal = new Terminal(60, 10);
    const script: Script = [
      [0, runStarted],
      ...labels.map((label) => [0, started(label)] as const),
      ...labels.map((label) => [1, progress(label, training(2))] as const),
    ];
    let last = '';
    live(terminal, script, () => {
      last = terminal.screen.join('\n');
    });
    expect(last).toMatchInlineSnapshot(`
      "shirts  1 task, 9 stages, run 20261124-030000-shirts-ab12
      ⠇ learn rotation · class 0  ██░░░░░░░░░░░░░░ epoch 3/20 · …
      ⠇ learn rotation · class 1  1.0 s
      ⠇ learn rotation · class 2  1.0 s
      ⠇ learn rotation · class 3  1.0 s
      ⠇ learn rotation · class 4  1.0 s
      ⠇ learn rotation · class 5  1.0 s
        … and 24 more running
      ░░░░░░░░░░░░░░░░ 0/9 stages · 1.0 s
      "
    `);
    expect(terminal.history).toBe('shirts  1 task, 9 stages, run 20261124-030000-shirts-ab12\n');
  });

  test.for([20, 33, 200])('a window that is resized to %i columns', (columns) => {
    const terminal = new Terminal(80, 24);
    live(terminal, eventful, ({type}) => {
      if (type === 'stage-progress') terminal.columns = columns;
    });
    const still = new Terminal(80, 24);
    live(still, eventful);
    expect(terminal.history).toBe(still.history);
  });

  test('Ctrl-C, which the terminal echoes, and closing leave nothing of the live view', () => {
    const terminal = new Terminal(80, 24);
    live(terminal, eventful.slice(0, 6), ({type}) => {
      if (type === 'stage-progress') terminal.write('^C');
    });
    expect(terminal.history).toMatchInlineSnapshot(`
      "shirts  1 task, 9 stages, run 20261124-030000-shirts-ab12
      compiling the binding
      engine wasm 4.22.0 on cpu, 1 thread
      note: no compiler here; "pipeline doctor" says more
      "
    `);
  });

  test('the clock runs while a stage reports nothing', () => {
    vi.useFakeTimers({now: begin});
    const terminal = new Terminal(80, 24);
    const reporter = createReporter('auto', terminal, terminal);
    reporter.event(stamped(0, runStarted));
    reporter.event(stamped(0, started(learn)));
    vi.advanceTimersByTime(65_000);
    expect(terminal.screen.slice(1)).toMatchInlineSnapshot(`
      [
        "⠙ learn rotation · shirt · seed 0  1 min 05 s",
        "░░░░░░░░░░░░░░░░ 0/9 stages · 1 min 05 s",
        "",
      ]
    `);
    reporter.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('escape sequences in names and messages are removed', () => {
    const terminal = new Terminal(80, 24);
    live(terminal, [
      [0, {...runStarted, spec: 'a\u001b[2Jb'} as Unstamped],
      [0, started('learn \u001b[31mred\u001b[0m')],
      [1, failed('learn \u001b[31mred\u001b[0m', 'a\tb\r\nc\u001b]0;title\u0007d')],
    ]);
    expect(terminal.history).toMatchInlineSnapshot(`
      "ab  1 task, 9 stages, run 20261124-030000-shirts-ab12
      ✗ learn red: a b
          cd
      "
    `);
  });

  test('colours are only used if the terminal has them, and a dumb terminal has no live view', () => {
    const written: string[] = [];
    const output = {isTTY: true, write: (part: string) => written.push(part)};
    const coloured = (hasColors: boolean) => {
      written.length = 0;
      vi.useFakeTimers({now: begin});
      play('auto', {...output, hasColors: () => hasColors}, eventful);
      return written.join('').includes('\u001b[32m');
    };
    expect([coloured(true), coloured(false)]).toEqual([true, false]);
    vi.stubEnv('TERM', 'dumb');
    written.length = 0;
    play('auto', output, eventful);
    vi.unstubAllEnvs();
    expect(written.join('')).toBe(text('plain', eventful));
  });
});
