// The list of events with filters, snapshots and clips.
import { api, state, on, text } from './live.js';

const kinds = ['appears', 'leaves', 'facing', 'away', 'turned', 'head_down', 'nearer', 'count', 'zone', 'line'];
const time = iso => new Date(iso).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

export function events(into, chosen) {
  document.title = 'Events – img2pose monitor';
  into.innerHTML = `<h2>Events</h2><form class="filters" aria-label="Filters">
    <label>Camera <select name="camera"><option value="">all</option></select></label><label>Rule <select name="rule"><option value="">all</option></select></label>
    <label>Kind <select name="kind"><option value="">all</option></select></label><label>From <input type="datetime-local" name="from"></label><label>To <input type="datetime-local" name="to"></label>
    <a class="csv" download>CSV</a><a class="jsonl" download>JSONL</a></form>
    <div class="scroll"><table class="events"><thead><tr><th scope="col">Picture</th><th scope="col">Begin</th><th scope="col">Lasted</th><th scope="col">Camera</th><th scope="col">Rule</th><th scope="col">Pose</th><th scope="col"><span class="visually-hidden">Acts</span></th></tr></thead><tbody></tbody></table></div>
    <p class="error failed" role="alert"></p><p class="empty" hidden>No events.</p><div class="bar"><button type="button" class="more" hidden>Older ones</button></div><dialog aria-label="Clip"><div class="show"></div><form method="dialog"><button>Close</button></form></dialog>`;
  const form = into.querySelector('form.filters'), body = into.querySelector('tbody'), more = into.querySelector('.more'), dialog = into.querySelector('dialog');
  for (const name of state.cameras.keys()) form.camera.append(new Option(name, name, false, name === chosen));
  for (const rule of state.rules) form.rule.append(new Option(rule));
  for (const kind of kinds) form.kind.append(new Option(kind.replace('_', ' '), kind));
  form.onchange = () => load();
  form.onsubmit = event => event.preventDefault();
  dialog.onclose = () => dialog.querySelector('.show').replaceChildren();
  const failed = into.querySelector('.failed');
  let oldest = null, timer = 0, ended = false;

  function query() {
    const asked = new URLSearchParams();
    for (const name of ['camera', 'rule', 'kind']) if (form[name].value) asked.set(name, form[name].value);
    for (const name of ['from', 'to']) if (form[name].value) asked.set(name, new Date(form[name].value).toISOString());
    return asked;
  }
  function row(happened) {
    const line = document.createElement('tr'), poses = happened.poses;
    const picture = document.createElement('td');
    if (happened.snapshot) {
      const image = document.createElement('img');
      image.loading = 'lazy';
      image.alt = `Snapshot of ${happened.camera}, ${happened.rule}`;
      image.src = `/api/events/${happened.id}/snapshot.jpg`;
      picture.append(image);
    }
    const lasted = happened.end ? `${((new Date(happened.end) - new Date(happened.start)) / 1000).toFixed(1)} s` : 'goes on';
    const pose = happened.kind === 'count' ? `${poses.faces} faces` : `yaw ${poses.yaw}°, pitch ${poses.pitch}°${poses.nearest ? `, ${(poses.nearest / 1000).toFixed(1)} m` : ''}`;
    const acts = document.createElement('td');
    if (happened.clip) acts.append(button('Clip', () => open(happened, true)));
    if (happened.snapshot) acts.append(button('Picture', () => open(happened, false)));
    if (happened.seenBy) acts.append(text('span', `seen by ${happened.seenBy}`, 'badge'));
    else if (state.me.role !== 'viewer') acts.append(button('Seen', async event => { event.target.disabled = true; await api('POST', `/api/events/${happened.id}/seen`, {}); later(); }));
    line.append(picture, cell(time(happened.start), 'number'), cell(lasted, 'number'), cell(happened.camera), cell(happened.rule + (happened.track ? ` #${happened.track}` : '')), cell(pose), acts);
    return line;
  }
  const cell = (content, name) => text('td', content, name);
  function button(name, call) { const made = text('button', name); made.type = 'button'; made.onclick = call; return made; }
  function open(happened, clip) {
    const shown = document.createElement(clip ? 'video' : 'img');
    if (clip) { shown.controls = true; shown.autoplay = true; shown.muted = true; } else shown.alt = `${happened.camera}, ${happened.rule}`;
    shown.src = `/api/events/${happened.id}/${clip ? 'clip.mp4' : 'snapshot.jpg'}`;
    dialog.querySelector('.show').replaceChildren(text('h3', `${happened.rule} on ${happened.camera}, ${time(happened.start)}`), shown);
    dialog.showModal();
  }
  async function load(before) {
    const asked = query();
    into.querySelector('.csv').href = `/api/events/export.csv?${asked}`;
    into.querySelector('.jsonl').href = `/api/events/export.jsonl?${asked}`;
    asked.set('limit', '50');
    if (before) asked.set('before', before);
    const answer = await api('GET', `/api/events?${asked}`);
    if (ended) return;
    failed.textContent = answer.error ? `Events cannot be read: ${answer.error}` : '';
    if (answer.error) return;
    if (!before) body.replaceChildren();
    body.append(...answer.events.map(row));
    oldest = answer.events.at(-1)?.id;
    more.hidden = answer.events.length < 50;
    into.querySelector('.empty').hidden = body.children.length > 0;
  }
  more.onclick = () => load(oldest);
  // Events come in bursts, and are kept half a second later.
  const later = () => { clearTimeout(timer); timer = setTimeout(() => { if (!dialog.open) load(); }, 900); };
  const off = on('event', later);
  load();
  return () => { ended = true; clearTimeout(timer); off(); };
}
