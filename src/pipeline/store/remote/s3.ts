/**
 * A store in a bucket. The only file that knows the SDK; it takes a third of a second to load, and is imported when a store is used.
 * Requests have time-outs of our own, as a server whose disk is dead may take a request and never answer it; each attempt has a new body,
 * and attempts are counted here alone.
 */
import {setMaxListeners} from 'node:events';
import {open} from 'node:fs/promises';
import {setTimeout as delay} from 'node:timers/promises';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import {readRange} from '../../../core/base/files.ts';
import {type ObjectStore, type Range, StoreError} from './objects.ts';
import {inParallel} from './parallel.ts';

/** Changed by tests alone. */
export const patience = {
  /** ms that a request may take, and one more for so many bytes of it. */
  request: 10_000,
  bytesPerMs: 50,
  attempts: 3,
  /** ms before the second attempt; twice as long before each further one. */
  pause: 300,
};

const partSize = 8 * 2 ** 20;

/** S3 has at most 10 000 parts. */
const partSizeOf = (bytes: number): number => Math.max(partSize, Math.ceil(bytes / 9000));

export const partsOf = (bytes: number, size = partSizeOf(bytes)): readonly Range[] =>
  Array.from({length: Math.ceil(bytes / size)}, (_, i) => ({from: i * size, bytes: Math.min(size, bytes - i * size)}));

export function openS3(bucket: string, prefix: string, env: NodeJS.ProcessEnv = process.env): ObjectStore {
  // Of the SDK's support of Node 20 its users need not hear in every command.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const ownServer = ownServerOf(env);
  const client = new S3Client({
    forcePathStyle: ownServer !== undefined, // a server of one's own seldom has a name for each bucket
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 1,
    requestHandler: {connectionTimeout: 5000},
  });
  const base = prefix === '' ? '' : `${prefix}/`;
  const at = (key: string) => ({Bucket: bucket, Key: `${base}${key}`});
  const where = ownServer === undefined ? `bucket ${bucket}` : `bucket ${bucket} of ${new URL(ownServer).host}`;

  const closing = new AbortController();
  setMaxListeners(0, closing.signal); // one a request

  /** Sends until it is answered. `bytes`: how many go or come with it. */
  async function send<T>(bytes: number, request: (signal: AbortSignal) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const time = timeOut(patience.request + bytes / patience.bytesPerMs);
      const signal = AbortSignal.any([time.signal, closing.signal]);
      try {
        signal.throwIfAborted();
        return await orAborted(request(signal), signal);
      } catch (error) {
        if (closing.signal.aborted) throw new StoreError('unreachable', `${where}: its connections are closed`);
        if (!isPassing(error) || attempt >= patience.attempts) throw toStoreError(error, where);
      } finally {
        time.done();
      }
      const pause = patience.pause * 2 ** (attempt - 1) * (0.5 + Math.random());
      await delay(pause, undefined, {signal: closing.signal}).catch(() => undefined);
    }
  }

  const orUndefined = async <T>(work: Promise<T>): Promise<T | undefined> => {
    try {
      return await work;
    } catch (error) {
      if (error instanceof Absent) return undefined;
      throw error;
    }
  };

  async function uploadParts(
    key: string,
    path: string,
    bytes: number,
    onBytes: (bytes: number) => void,
  ): Promise<void> {
    const {UploadId} = await send(0, (abortSignal) =>
      client.send(new CreateMultipartUploadCommand(at(key)), {abortSignal}),
    );
    const file = await open(path);
    try {
      const parts = await inParallel(4, partsOf(bytes), async ({from, bytes: length}, index) => {
        const Body = await readRange(file, from, length);
        if (Body.length < length) throw new Error(`${path} has become shorter`);
        const part = {...at(key), UploadId, PartNumber: index + 1, Body};
        const {ETag} = await send(length, (abortSignal) => client.send(new UploadPartCommand(part), {abortSignal}));
        onBytes(length);
        return {ETag, PartNumber: index + 1};
      });
      const whole = {...at(key), UploadId, MultipartUpload: {Parts: [...parts]}};
      await send(0, (abortSignal) => client.send(new CompleteMultipartUploadCommand(whole), {abortSignal}));
    } catch (error) {
      const given = {...at(key), UploadId};
      // Of no use to anybody; `sweep` finds what stays.
      await client
        .send(new AbortMultipartUploadCommand(given), {
          abortSignal: AbortSignal.any([AbortSignal.timeout(5000), closing.signal]),
        })
        .catch(() => 0);
      throw error;
    } finally {
      await file.close();
    }
  }

  const write = async (key: string, Body: Uint8Array): Promise<void> => {
    await send(Body.length, (abortSignal) => client.send(new PutObjectCommand({...at(key), Body}), {abortSignal}));
  };

  return {
    read: (key, range) =>
      orUndefined(
        send(range?.bytes ?? 0, async (abortSignal) => {
          const part = range && {Range: `bytes=${range.from}-${range.from + range.bytes - 1}`};
          const {Body} = await client.send(new GetObjectCommand({...at(key), ...part}), {abortSignal});
          return Buffer.from(await Body!.transformToByteArray());
        }),
      ),

    size: (key) =>
      orUndefined(
        send(
          0,
          async (abortSignal) => (await client.send(new HeadObjectCommand(at(key)), {abortSignal})).ContentLength,
        ),
      ),

    write,

    async create(key, Body) {
      try {
        await send(Body.length, (abortSignal) =>
          client.send(new PutObjectCommand({...at(key), Body, IfNoneMatch: '*'}), {abortSignal}),
        );
        return true;
      } catch (error) {
        if (error instanceof Exists) return false;
        throw error;
      }
    },

    async upload(key, path, bytes, onBytes = () => undefined) {
      if (bytes > 2 * partSize) return uploadParts(key, path, bytes, onBytes);
      const file = await open(path);
      try {
        await write(key, await file.readFile());
      } finally {
        await file.close();
      }
      onBytes(bytes);
    },

    async *list(below) {
      let ContinuationToken: string | undefined;
      do {
        const question = {Bucket: bucket, Prefix: `${base}${below}`, ...(ContinuationToken && {ContinuationToken})};
        const page = await send(0, (abortSignal) => client.send(new ListObjectsV2Command(question), {abortSignal}));
        for (const {Key, Size, ETag, LastModified} of page.Contents ?? []) {
          const written = LastModified?.getTime() ?? 0;
          yield {key: Key!.slice(base.length), bytes: Size ?? 0, tag: `${ETag} ${written}`, written};
        }
        ContinuationToken = page.IsTruncated ? page.NextContinuationToken : undefined;
      } while (ContinuationToken !== undefined);
    },

    remove: async (key) => {
      await send(0, (abortSignal) => client.send(new DeleteObjectCommand(at(key)), {abortSignal}));
      return undefined;
    },

    async sweep(before) {
      const {Uploads = []} = await send(0, (abortSignal) =>
        client.send(new ListMultipartUploadsCommand({Bucket: bucket, Prefix: base}), {abortSignal}),
      );
      for (const {Key, UploadId, Initiated} of Uploads) {
        if (Key === undefined || (Initiated?.getTime() ?? before) >= before) continue;
        const upload = {Bucket: bucket, Key, UploadId};
        await send(0, (abortSignal) => client.send(new AbortMultipartUploadCommand(upload), {abortSignal}));
      }
    },

    close() {
      closing.abort(); // a request in flight would hold the process until its time is over
      client.destroy();
    },
  };
}

/** The server that the environment names in place of AWS. */
function ownServerOf(env: NodeJS.ProcessEnv): string | undefined {
  const name = ['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'].find((one) => env[one]);
  if (name === undefined) return undefined;
  // Its value is not repeated: it may have a password.
  if (!URL.canParse(env[name]!) || !/^https?:$/.test(new URL(env[name]!).protocol))
    throw new StoreError('refused', `${name} is not the address of a server`, 'Write it as https://host:port.');
  return env[name];
}

class Absent extends StoreError {}
class Exists extends StoreError {}

function timeOut(ms: number): {readonly signal: AbortSignal; done(): void} {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new Error('time-out')), ms);
  return {signal: controller.signal, done: () => clearTimeout(timer)};
}

/** The SDK's own signal does not end everything: not a body that stops in the middle. */
const orAborted = <T>(work: Promise<T>, signal: AbortSignal): Promise<T> =>
  Promise.race([
    work,
    new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), {once: true})),
  ]);

/** An error of the SDK or of Node's network. */
interface Failure {
  readonly name?: string;
  readonly code?: string;
  readonly $metadata?: {readonly httpStatusCode?: number};
}

const isCredentials = ({name = ''}: Failure): boolean => /Credential|TokenProvider|SSO/.test(name);

/** Another attempt may succeed. */
function isPassing(error: unknown): boolean {
  const failure = error as Failure;
  const status = failure.$metadata?.httpStatusCode;
  if (status === undefined)
    return !isCredentials(failure) && !['ENOTFOUND', 'ERR_INVALID_URL'].includes(failure.code ?? '');
  return status >= 500 || status === 429 || status === 408 || status === 409;
}

/** In our words: what the SDK says may repeat headers and keys. */
function toStoreError(error: unknown, where: string): StoreError {
  const failure = error as Failure;
  const {name = '', code} = failure;
  const status = failure.$metadata?.httpStatusCode;
  if (status === 412) return new Exists('refused', `${where}: the object exists`);
  if (status === 404 && name === 'NoSuchBucket')
    return new StoreError(
      'refused',
      `${where} does not exist`,
      'Make it, or check its name and the endpoint (AWS_ENDPOINT_URL_S3).',
    );
  if (status === 404 || name === 'NoSuchKey' || name === 'NotFound')
    return new Absent('refused', `${where}: no such object`);
  if (code === 'ERR_INVALID_URL')
    return new StoreError(
      'refused',
      `${where}: its endpoint is not the address of a server`,
      'Set AWS_ENDPOINT_URL_S3, such as https://host:port, or the profile.',
    );
  if (isCredentials(failure))
    return new StoreError(
      'refused',
      `${where}: there are no credentials for it`,
      'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE.',
    );
  if (status === 401 || status === 403)
    return new StoreError(
      'refused',
      `${where} does not let you in (${name || status})`,
      'Check the credentials and their rights.',
    );
  if (status !== undefined && status < 500 && status !== 429)
    return new StoreError(
      'refused',
      `${where} refuses the request (${name || status})`,
      'Check AWS_REGION and the endpoint.',
    );
  if (/Region/i.test((error as Error).message ?? '') && status === undefined)
    return new StoreError('refused', `${where}: its region is not known`, 'Set AWS_REGION.');
  return new StoreError(
    'unreachable',
    `${where} does not answer (${code ?? (status === undefined ? 'no answer in time' : status)})`,
  );
}
