import {defineConfig} from 'vitest/config';
import {BaseSequencer, type TestSpecification} from 'vitest/node';

const kernels = ['test/core/engine/check/**/*.test.ts', 'test/core/nn/convolutions.property.test.ts'];

/** Files that take minutes, the longest first: begun at the end, one of them would run alone. */
const longest = [
  'slurm',
  'walkthrough',
  'predict',
  'campaign',
  's3',
  'search',
  'report',
  'learner.contract',
  'convolutions.property',
].map((name) => `/${name}.test.ts`);

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({moduleId}: TestSpecification): number => {
      const at = longest.findIndex((end) => moduleId.endsWith(end));
      return at < 0 ? longest.length : at;
    };
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    sequence: {sequencer: LongestFirst},
    globalSetup: 'test/rig/build.ts',
    // A test file that says `@module-tag slow`.
    tags: [
      {
        name: 'slow',
        description:
          'Starts many processes or a browser, or computes long: not of `npm test`, but of `npm run test:all`.',
      },
    ],
    // For what hangs, not for what is slow: two busy cores start a process in seconds.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // A worker keeps what it has loaded (tfjs, Arrow, DuckDB) for its next file.
    isolate: false,
    maxWorkers: 3, // on two cores, too: they often wait for processes and disks
    // Except tests of single kernels: twice TensorFlow ended a worker there that had computed hundreds of other tests before, and never
    // one of its own.
    projects: [
      {extends: true, test: {name: 'kernels', include: kernels, isolate: true}},
      {extends: true, test: {name: 'all others', include: ['test/**/*.test.ts'], exclude: kernels}},
    ],
    // The command runs as it is compiled, in tests too.
    server: {deps: {external: [/\/dist\//]}},
    // Of what runs in the tests' own processes; what the command and its workers do is not counted.
    coverage: {include: ['src/**/*.ts'], reporter: ['text-summary', 'json-summary']},
  },
});
