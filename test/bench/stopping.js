/**
 * Prints the tables of docs/explanation/search.md on what ending trainings early saves and loses:
 *
 *     npm run build && node test/bench/stopping.js
 */
import {correlations, table} from './stopping-table.js';

process.stdout.write(`${correlations()}\n${await table()}`);
