/** The pages of `docs/reference/`, made from the code: `npm run docs` writes them, `test/docs/reference.test.ts` compares. */
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {kinds, type Plugins} from '../../core/plugin/registry.ts';
import {openResults} from '../../pipeline/store/results/results.ts';
import {commandLinePage, type ParserCommand} from './command-line.ts';
import {eventsPage} from './events.ts';
import {pluginPage} from './plugins.ts';
import {sitePage} from './site.ts';
import {specPage} from './spec.ts';
import {sqlPage, type ViewColumn} from './sql.ts';

const notice = '<!-- Made from the code by `npm run docs`. Change the code, not this file. -->\n\n';

/** File name → text. `program`: the command line's definition, made without `PIPELINE_…` in the environment. */
export async function referencePages(program: ParserCommand, plugins: Plugins): Promise<ReadonlyMap<string, string>> {
  const pages = new Map([
    ['command-line.md', commandLinePage(program)],
    ['spec.md', specPage()],
    ['site.md', sitePage()],
    ...kinds.map((kind) => [`${kind}s.md`, pluginPage(plugins, kind)] as const),
    ['sql.md', sqlPage(await viewColumns())],
    ['events.md', eventsPage()],
  ]);
  return new Map([...pages].map(([name, text]) => [name, `${notice}${text}`]));
}

/** The description of a view from the database: only SQL knows the types of its columns. */
async function viewColumns(): Promise<readonly ViewColumn[]> {
  const folder = mkdtempSync(join(tmpdir(), 'pipeline-reference-'));
  try {
    const results = openResults(join(folder, 'results.duckdb'));
    const made = await results.rebuild();
    if (!made.ok) throw new Error(made.failures[0]!.message);
    const answer = await results.query('select column_name, column_type from (describe comparison)');
    if (!answer.ok) throw new Error(answer.failures[0]!.message);
    return answer.value.rows.map(([name, type]) => ({name: String(name), type: String(type)}));
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
}
