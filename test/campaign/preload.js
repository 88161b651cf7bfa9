/**
 * Loaded into every process of a trial before anything else. CAMPAIGN_CLOCK: milliseconds by which its clock is wrong. CAMPAIGN_HOST: the
 * name of its host, so that others can't see whether it lives. CAMPAIGN_DISK: the number of writes after which its disk is full.
 * Locks are watched for seconds, not for a minute: CAMPAIGN_BEATS, seconds between heartbeats and until a holder counts as dead.
 */

import {syncBuiltinESMExports} from 'node:module';
import os from 'node:os';

const {CAMPAIGN_CLOCK: clock, CAMPAIGN_HOST: host, CAMPAIGN_DISK: disk, CAMPAIGN_BEATS: beats = '0.5 5'} = process.env;

if (clock) {
  const RealDate = Date;
  const off = Number(clock);
  globalThis.Date = class extends RealDate {
    constructor(...args) {
      super(...(args.length === 0 ? [RealDate.now() + off] : args));
    }

    static now() {
      return RealDate.now() + off;
    }
  };
}
if (host) {
  os.hostname = () => host;
  syncBuiltinESMExports();
}
if (disk) {
  const {watchWrites} = await import('../rig/disk.js');
  watchWrites((write) => {
    if (write >= Number(disk)) throw Object.assign(new Error('ENOSPC: no space left on device'), {code: 'ENOSPC'});
  });
}
try {
  const {heartbeat} = await import('../../dist/core/base/lock.js');
  const {remoteHeartbeat} = await import('../../dist/pipeline/store/remote/lease.js');
  const [every, deadAfter] = beats.split(' ').map(Number);
  Object.assign(heartbeat, {every, deadAfter});
  Object.assign(remoteHeartbeat, {every, deadAfter, look: 0.2});
} catch (error) {
  // Where few files may be open the command itself can't be loaded either, and says so.
  if (error.code !== 'EMFILE') throw error;
}
