/** Keeps a page up to date: the server tells which of its parts have changed, and to what. */

const {events} = document.body.dataset;
const connection = document.getElementById('connection');

if (events) {
  const source = new EventSource(events);
  source.addEventListener('open', () => {
    connection.textContent = '';
  });
  source.addEventListener('error', () => {
    connection.textContent = 'No connection. Is "pipeline ui" still running?';
  });
  source.addEventListener('end', () => source.close());
  source.addEventListener('regions', ({data}) => {
    for (const [id, html] of Object.entries(JSON.parse(data))) {
      const part = document.getElementById(id);
      if (part && part.innerHTML !== html) part.innerHTML = html;
    }
  });
}

document.querySelector('textarea')?.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) event.target.form.requestSubmit();
});
