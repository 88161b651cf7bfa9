/** `tag` and `note`: what people say of a run. */
import {type Remarks, readRemarks, writeRemarks} from '../../pipeline/store/runs/remarks.ts';
import {exitCodes} from './exit-codes.ts';
import {type Globals, orRefuse, out, refuse} from './session.ts';
import {whichRun} from './which-run.ts';

export interface TagOptions {
  readonly remove?: readonly string[];
}

/** Adds tags and removes others; then prints those that the run has. */
export const tag = (run: string, added: readonly string[], {remove = []}: TagOptions, globals: Globals) =>
  remark(run, globals, added.length + remove.length > 0, ({tags, note}) => ({
    tags: [...tags, ...added].filter((one) => !remove.includes(one)),
    note,
  }));

/** Writes the words as the run's note; without words only prints it. */
export const note = (run: string, words: readonly string[], {remove}: {readonly remove: boolean}, globals: Globals) =>
  remark(run, globals, remove || words.length > 0, ({tags}) => ({tags, note: remove ? '' : words.join(' ')}));

const remark = async (
  which: string,
  globals: Globals,
  isChange: boolean,
  change: (before: Remarks) => Remarks,
): Promise<number> =>
  orRefuse(await whichRun(which, globals, 'nothing'), async ({id, folder}) => {
    const problem = isChange ? await writeRemarks(folder, change(readRemarks(folder))) : undefined;
    if (problem) return refuse([problem], 'nothing was changed');
    const {tags, note: text, damage} = readRemarks(folder);
    if (damage !== undefined) return refuse([{message: damage, hint: 'Remove the file.'}]);
    out(
      globals.json
        ? JSON.stringify({run: id, tags, note: text})
        : [`${id}: ${tags.length > 0 ? tags.join(', ') : 'no tags'}`, ...(text === '' ? [] : [text])].join('\n'),
    );
    return exitCodes.done;
  });
