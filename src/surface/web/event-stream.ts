/** Server-sent events: parts of a page, as they change. */
import type {ServerResponse} from 'node:http';
import {setTimeout as wait} from 'node:timers/promises';
import {ownHeaders} from './responses.ts';

/** Something is sent at least this often, so that a connection that died is noticed. Milliseconds. */
const heartbeat = 15_000;

export class EventStream {
  readonly #response: ServerResponse;
  readonly #closed = new AbortController();
  readonly #sent = new Map<string, string>();
  #last = 0;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.once('close', () => this.#closed.abort());
    response.writeHead(200, {...ownHeaders, 'content-type': 'text/event-stream; charset=utf-8'});
  }

  /** Aborted when the other side is gone. */
  get signal(): AbortSignal {
    return this.#closed.signal;
  }

  /** Ids of elements with what is to be in them; sends those that have changed. */
  regions(regions: readonly (readonly [id: string, html: string])[]): void {
    const changed = regions.filter(([id, html]) => this.#sent.get(id) !== html);
    for (const [id, html] of changed) this.#sent.set(id, html);
    this.send('regions', changed.length > 0 ? Object.fromEntries(changed) : undefined);
  }

  /** Sends a value; undefined: nothing, but for a sign of life from time to time. */
  send(event: string, value: unknown): void {
    if (value !== undefined) this.#write(`event: ${event}\ndata: ${JSON.stringify(value)}\n\n`);
    else if (Date.now() - this.#last > heartbeat) this.#write(':\n\n');
  }

  /** Announces that nothing more will come; otherwise the other side would connect again. */
  end(): void {
    this.#write('event: end\ndata:\n\n');
    this.#response.end();
  }

  async pause(milliseconds: number): Promise<void> {
    await wait(milliseconds, undefined, {signal: this.signal}).catch(() => {});
  }

  #write(text: string): void {
    this.#last = Date.now();
    this.#response.write(text);
  }
}
