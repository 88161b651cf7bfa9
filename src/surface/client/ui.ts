/** The script of the pages of `pipeline ui`: they can be read without it; with it they move, and are searched. */
import {followAddress} from './address.ts';
import {followKeys} from './keys.ts';
import {keepUpToDate} from './live.ts';
import {listRuns} from './runs.ts';

const list = document.getElementById('list') as HTMLFormElement | null;
const {events} = document.body.dataset;
const source = events === undefined ? undefined : keepUpToDate(events);
if (list && source) listRuns(list, source);
document.querySelector('textarea')?.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey))
    (event.target as HTMLTextAreaElement).form!.requestSubmit();
});
followKeys();
followAddress();
