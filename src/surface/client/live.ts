/** Keeps a page up to date: the server sends those of its parts that have changed. */

/** `address`: of the events. */
export function keepUpToDate(address: string): EventSource {
  const connection = document.getElementById('connection')!;
  const source = new EventSource(address);
  source.addEventListener('open', () => {
    connection.textContent = '';
  });
  source.addEventListener('error', () => {
    connection.textContent = 'No connection. Is "pipeline ui" still running?';
  });
  source.addEventListener('end', () => source.close());
  source.addEventListener('regions', ({data}: MessageEvent<string>) => {
    for (const [id, html] of Object.entries(JSON.parse(data) as {readonly [id: string]: string})) {
      const part = document.getElementById(id);
      if (part && part.innerHTML !== html) part.innerHTML = html;
    }
  });
  return source;
}
