/** `new`: a spec for a folder of images. */
import {statSync} from 'node:fs';
import {writeFile} from 'node:fs/promises';
import {basename, dirname, relative, resolve} from 'node:path';
import {codeOf} from '../../core/base/files.ts';
import {printable} from '../../core/base/screen.ts';
import {builtinPlugins} from './builtin.ts';
import {exitCodes} from './exit-codes.ts';
import {choose, countsText, sizesText, specText} from './new-spec.ts';
import {err, type Globals, orRefuse, out, refuse} from './session.ts';
import {survey} from './survey.ts';

export interface NewOptions {
  readonly out?: string;
}

export async function newSpec(folder: string, options: NewOptions, globals: Globals): Promise<number> {
  const place = resolve(folder);
  if (!statSync(place, {throwIfNoEntry: false})?.isDirectory())
    return refuse([{message: `${folder} is not a folder`, hint: 'Give a folder of images: pipeline new <folder>.'}]);
  const name = specName(basename(place));
  const file = options.out ?? `${name}.yaml`;
  return orRefuse(await survey(place, builtinPlugins()), async (found) => {
    for (const note of found.notes) err(printable(note));
    if (found.sizes.length === 0)
      return refuse([
        {message: `none of the images in ${folder} can be read`, hint: 'Check them with "pipeline data verify".'},
      ]);
    const below = relative(dirname(resolve(file)), place);
    const text = specText({name, folder: below.startsWith('..') ? place : below || '.', survey: found});
    try {
      await writeFile(file, text, {flag: 'wx'});
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
      return refuse([{message: `${file} is there already`, hint: 'Give another name: --out <file>.'}]);
    }
    const {size, maps, learner} = choose(found);
    if (globals.json) out(JSON.stringify({file, size, maps, learner, ...found}, null, 2));
    else
      out(
        printable(
          [
            `${file}: ${countsText(found)}`,
            `size ${size}, because ${sizesText(found.sizes)}; learner ${learner}, beside the same network untrained; ${maps ? 'with' : 'without'} heat maps`,
            ...(maps && found.test.anomalous === 0
              ? ['without anomalous images there is no AUC: scores, threshold and heat maps work']
              : []),
            'Next:',
            `  pipeline run ${quoted(file)}`,
            '  pipeline report latest',
            `  pipeline predict latest <new images> --task ${quoted(`${found.layout.classes?.[0] ?? ''}/${learner}/`)}${maps ? ' --maps maps' : ''}`,
          ].join('\n'),
        ),
      );
    return exitCodes.done;
  });
}

/** For a shell. */
const quoted = (word: string): string => (/^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/** A name that a spec may have, as like a folder's as can be: `für` becomes `fur`. */
const specName = (folder: string): string =>
  folder
    .normalize('NFKD')
    .replaceAll(/\p{M}+/gu, '')
    .replaceAll(/[^A-Za-z0-9_-]+/g, '-')
    .replace(/^[-_]+/, '')
    .slice(0, 100)
    .replace(/-+$/, '') || 'photos';
