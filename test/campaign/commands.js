/** The command line called in this process, which is many times cheaper than a process for each. */
import {main} from '../../dist/surface/cli/main.js';

process.stdout.setMaxListeners(0);
process.setMaxListeners(0);

class Exit extends Error {}

/** Exit status, what went to standard output, and what to standard error. */
export async function call(folder, args) {
  const before = {argv: process.argv, cwd: process.cwd(), exit: process.exit, code: process.exitCode};
  const streams = [process.stdout, process.stderr];
  const writes = streams.map((stream) => stream.write);
  const texts = ['', ''];
  try {
    process.chdir(folder);
    process.argv = [process.argv[0], 'pipeline', ...args];
    process.exitCode = undefined;
    process.exit = (status) => {
      process.exitCode = status;
      throw new Exit();
    };
    streams.forEach((stream, at) => {
      stream.write = (text) => {
        texts[at] += text;
        return true;
      };
    });
    await main().catch((error) => {
      if (!(error instanceof Exit)) throw error;
    });
    return {status: Number(process.exitCode ?? 0), out: texts[0], err: texts[1]};
  } finally {
    streams.forEach((stream, at) => {
      stream.write = writes[at];
    });
    process.exit = before.exit;
    process.argv = before.argv;
    process.exitCode = before.code;
    process.chdir(before.cwd);
  }
}
