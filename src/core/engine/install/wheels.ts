/**
 * TensorFlow's C library, and PyTorch's, come from their Python wheels: which ones, how they are fetched and checked, and what of TensorFlow's
 * is taken.
 */
import {readdirSync, statSync} from 'node:fs';
import {mkdir, readdir, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {digestOfFile} from '../../base/files.ts';
import {runCommand} from './command.ts';

export const TENSORFLOW_VERSION = '2.21.0';

export type Variant = 'cpu' | 'cuda';

/** The requirement for pip. `files`: wheel file name → SHA-256 and size, for those that we have checked ourselves. */
export interface WheelSet {
  readonly requirement: string;
  /** Whether pip follows dependencies: the nvidia-* wheels of the cuda variant. */
  readonly dependencies: boolean;
  readonly platform: string;
  readonly files: ReadonlyMap<string, {readonly sha256: string; readonly bytes: number}>;
  /** Also accept wheels that are not in `files`: pip checks them against its index, but nobody checks the index. */
  readonly trustsIndex?: boolean;
}

/** The wheels of a variant; undefined on a platform that TensorFlow publishes none for (or none with these libraries). */
export function wheelsFor(variant: Variant, platform: NodeJS.Platform, arch: string): WheelSet | undefined {
  if (platform !== 'linux') return undefined;
  // We have never tried the cuda variant and arm64, and had none of their wheels to hash. CUDA needs a dozen wheels of NVIDIA,
  // which change with every release: they are accepted as the index has them.
  if (variant === 'cuda' && arch === 'x64') {
    return {
      requirement: `tensorflow[and-cuda]==${TENSORFLOW_VERSION}`,
      dependencies: true,
      platform: 'manylinux_2_27_x86_64',
      files: new Map(),
      trustsIndex: true,
    };
  }
  if (variant === 'cpu' && arch === 'x64') {
    return {
      requirement: `tensorflow-cpu==${TENSORFLOW_VERSION}`,
      dependencies: false,
      platform: 'manylinux_2_27_x86_64',
      files: new Map([
        [
          'tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl',
          {sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c', bytes: 273829956},
        ],
      ]),
    };
  }
  if (variant === 'cpu' && arch === 'arm64') {
    return {
      requirement: `tensorflow==${TENSORFLOW_VERSION}`,
      dependencies: false,
      platform: 'manylinux_2_27_aarch64',
      files: new Map(),
    };
  }
  return undefined;
}

/** PyTorch for the CPU; undefined on a platform for which no checksum is known. */
export const torchWheel = (platform: NodeJS.Platform, arch: string): WheelSet | undefined =>
  platform === 'linux' && arch === 'x64'
    ? {
        requirement: 'torch==2.13.0',
        dependencies: false,
        platform: 'manylinux_2_28_x86_64',
        files: new Map([
          [
            'torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl',
            {sha256: '6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b', bytes: 191794682},
          ],
        ]),
      }
    : undefined;

export interface FetchOptions {
  readonly python: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
  /** 0 … 1, where the size is known. */
  progress(fraction: number | undefined): void;
}

/** Seconds without a byte after which a download counts as hung. pip's own retries on an unreachable index take a minute. */
const QUIET_SECONDS = 300;

/**
 * Downloads the wheels with pip into `folder`; returns their paths, each checked. Always those of Python 3.11: the C
 * library in them does not depend on Python, and so one pinned wheel serves whatever Python is installed.
 */
export async function fetchWheels(set: WheelSet, folder: string, options: FetchOptions): Promise<readonly string[]> {
  const {python, env, signal, progress} = options;
  const partial = join(folder, 'partial');
  const wheels = join(folder, 'wheels');
  await mkdir(partial, {recursive: true});
  const expected = [...set.files.values()].reduce((sum, file) => sum + file.bytes, 0);
  const requirements = join(folder, 'requirements.txt');
  const hashes = [...set.files.values()].map(({sha256}) => ` --hash=sha256:${sha256}`).join('');
  await writeFile(requirements, `${set.requirement}${hashes}\n`);
  const args = [
    '-m',
    'pip',
    'download',
    '--no-input',
    '--disable-pip-version-check',
    '--progress-bar',
    'off',
    '--no-cache-dir',
  ];
  args.push(
    '--only-binary=:all:',
    '--implementation',
    'cp',
    '--python-version',
    '3.11',
    '--abi',
    'cp311',
    '--abi',
    'none',
  );
  for (const platform of [set.platform, set.platform.replace('2_27', '2_17'), set.platform.replace('_2_27', '2014')])
    args.push('--platform', platform);
  if (!set.dependencies) args.push('--no-deps');
  if (hashes !== '') args.push('--require-hashes');
  await runCommand(python, [...args, '--dest', wheels, '--requirement', requirements], {
    // pip writes what it downloads below the temporary folder first: the size of that folder shows the progress.
    env: {...env, TMPDIR: partial},
    quietSeconds: QUIET_SECONDS,
    alive: () => {
      const size = sizeOf(partial);
      progress(expected > 0 ? Math.min(1, size / expected) : undefined);
      return size;
    },
    ...(signal && {signal}),
  });
  const paths: string[] = [];
  for (const name of await readdir(wheels)) {
    if (!/^(tensorflow(_cpu)?-|torch-|nvidia_)/.test(name)) continue;
    await checkWheel(set, join(wheels, name), name, env, signal);
    paths.push(join(wheels, name));
  }
  if (paths.length === 0) throw new Error(`pip downloaded no wheel for ${set.requirement}`);
  return paths;
}

/**
 * A wheel whose hash we know must have it. A wheel without a known hash is refused, unless the user sets PIPELINE_ALLOW_UNPINNED=1
 * to trust the package index.
 */
export async function checkWheel(
  set: WheelSet,
  path: string,
  name: string,
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<void> {
  const known = set.files.get(name);
  if (known === undefined) {
    if (set.trustsIndex || allowsUnpinned(env)) return;
    throw new Error(
      `${name} is not used, because its checksum is not known; set PIPELINE_ALLOW_UNPINNED=1 to trust the package index`,
    );
  }
  const {sha256} = await digestOfFile(path, signal);
  if (sha256 !== known.sha256)
    throw new Error(`${name} differs from the published file: expected SHA-256 ${known.sha256}, but got ${sha256}`);
}

export function allowsUnpinned(env: NodeJS.ProcessEnv): boolean {
  return env['PIPELINE_ALLOW_UNPINNED'] === '1';
}

// Python's own zip reader: Node has none, and Python is needed for pip anyway. The libraries of all wheels (TensorFlow's and
// NVIDIA's) land side by side in one folder, where TensorFlow's library path ($ORIGIN) finds them.
const UNPACK = `
import os, re, shutil, sys, zipfile
target, wheels = sys.argv[1], sys.argv[2:]
headers = 'tensorflow/include/'
wanted = tuple(headers + p for p in ('tensorflow/c/', 'tensorflow/core/platform/', 'tsl/', 'xla/tsl/c/'))
entries = []
for wheel in wheels:
    archive = zipfile.ZipFile(wheel)
    for info in archive.infolist():
        name = info.filename
        if name.endswith('/') or '..' in name.split('/'):
            continue
        library = re.fullmatch(r'tensorflow/(libtensorflow_(?:cc|framework)[.]so[.]2)', name) or re.fullmatch(
            r'(?:nvidia/.+/lib|[^/]+[.]libs)/([^/]+[.]so[^/]*)', name)
        if library:
            entries.append((archive, info, library.group(1)))
        elif name.startswith(wanted):
            entries.append((archive, info, os.path.join('include', name[len(headers):])))
total, done = sum(e[1].file_size for e in entries) or 1, 0
for archive, info, name in entries:
    path = os.path.join(target, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with archive.open(info) as source, open(path, 'wb') as sink:
        while True:
            chunk = source.read(1 << 24)
            if not chunk:
                break
            sink.write(chunk)
            done += len(chunk)
            if len(chunk) == 1 << 24:
                print(done / total, flush=True)
`;

/** Unpacks the C libraries into `target` and the headers that the binding includes into `target/include`. */
export async function unpackWheels(wheels: readonly string[], target: string, options: FetchOptions): Promise<void> {
  const {python, env, signal, progress} = options;
  await runCommand(python, ['-c', UNPACK, target, ...wheels], {
    env,
    quietSeconds: QUIET_SECONDS,
    line: (text) => progress(Number(text)),
    ...(signal && {signal}),
  });
}

/** Bytes in a folder whose files may appear and disappear. */
function sizeOf(folder: string): number {
  let sum = 0;
  try {
    for (const name of readdirSync(folder, {recursive: true, encoding: 'utf8'})) {
      const stat = statSync(join(folder, name), {throwIfNoEntry: false});
      if (stat?.isFile()) sum += stat.size;
    }
  } catch {
    // A folder disappeared while it was listed: the count so far is good enough.
  }
  return sum;
}
