/** A report's script: the page is whole without it; with it the page answers. */
import type {PageData} from '../report/page-data.ts';
import {followAddress} from './address.ts';
import {enliven} from './enliven.ts';
import {keepFoldedOut} from './folded.ts';
import {openForPrint} from './printing.ts';
import {titlesOnDemand} from './titles.ts';

enliven(document, JSON.parse(document.getElementById('page-data')!.textContent) as PageData);
titlesOnDemand();
keepFoldedOut();
openForPrint();
followAddress();
