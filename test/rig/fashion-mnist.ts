import {spawnSync} from 'node:child_process';
import {existsSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';

const installed = '/usr/share/datasets/fashion-mnist';
const archive = fileURLToPath(new URL('../../../shared/data/fashion-mnist.tar.gz', import.meta.url));

/**
 * True: the tests of the whole of Fashion-MNIST are skipped. Their titles say `(needs fashion-mnist.tar.gz)`; Debian's
 * package `dataset-fashion-mnist` does as well.
 */
export const noFashionMnist = !existsSync(installed) && !existsSync(archive);

/** A data folder that has Fashion-MNIST; to be called only where it is not skipped. */
export function fashionMnistRoot(): {readonly folder: string; remove(): void} {
  if (existsSync(installed)) return {folder: installed, remove: () => {}};
  const folder = mkdtempSync(join(tmpdir(), 'fashion-mnist-'));
  const {status, stderr} = spawnSync('tar', ['xzf', archive, '-C', folder], {encoding: 'utf8'});
  if (status !== 0) throw new Error(`unpacking ${archive} failed: ${stderr}`);
  return {folder, remove: () => rmSync(folder, {recursive: true})};
}
