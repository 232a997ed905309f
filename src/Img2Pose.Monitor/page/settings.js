// Cameras that are entered here, for administrators, and what has been done.
import { api, state, on, text } from './live.js';

export function settings(into) {
  document.title = 'Settings – img2pose monitor';
  into.innerHTML = `<h2>Settings</h2><section class="panel" aria-labelledby="cameras-title"><h3 id="cameras-title">Cameras</h3><div class="scroll"><table><thead><tr><th scope="col">Name</th><th scope="col">Address</th><th scope="col">Looks</th><th scope="col">Faces</th><th scope="col"><span class="visually-hidden">Acts</span></th></tr></thead><tbody></tbody></table></div></section>
    <section class="panel" aria-labelledby="form-title"><h3 id="form-title">Add a camera</h3><form class="form">
    <label>Name <input name="name" required pattern="[A-Za-z0-9_\\-]{1,40}"><small>letters, digits, - and _</small></label>
    <label>Address <input name="url" required spellcheck="false" autocomplete="off" placeholder="rtsp://user:password@192.168.1.20/live"><small>rtsp:// or rtsps://</small></label>
    <label>Looks a second <input name="looks" type="number" min="0.1" max="60" step="any" value="5"></label>
    <label>Priority <input name="priority" type="number" min="0.1" max="100" step="any" value="1"></label>
    <label class="check"><input type="checkbox" name="mask"> Hide every face</label><label class="check"><input type="checkbox" name="clips" checked> Keep clips of events</label>
    <div class="bar"><button type="button" class="try">Try</button><button class="main">Save</button><button type="button" class="cancel" hidden>Cancel</button></div>
    <p role="status" class="result"></p><img class="tried" alt="" hidden></form></section>
    <section class="panel" aria-labelledby="audit-title"><h3 id="audit-title">What has been done</h3><div class="scroll"><table><thead><tr><th scope="col">Time</th><th scope="col">Who</th><th scope="col">From</th><th scope="col">What</th></tr></thead><tbody class="audit"></tbody></table></div></section>`;
  const form = into.querySelector('form'), rows = into.querySelector('tbody'), result = into.querySelector('.result'), tried = into.querySelector('.tried');
  let edited = null;

  function build() {
    rows.replaceChildren(...[...state.cameras.values()].map(camera => {
      const row = document.createElement('tr'), said = camera.configuration, acts = document.createElement('td');
      if (said?.editable) acts.append(button('Edit', () => edit(camera)), button('Remove', () => remove(camera.name), 'danger'));
      else acts.append(text('span', 'in the file', 'badge'));
      row.append(text('td', camera.name), text('td', said?.url ?? ''), text('td', String(said?.looks ?? '')), text('td', said?.mask ? 'hidden' : 'shown'), acts);
      return row;
    }));
  }
  function button(name, call, kind) { const made = text('button', name, kind); made.type = 'button'; made.onclick = call; return made; }
  function edit(camera) {
    edited = camera;
    into.querySelector('#form-title').textContent = `Change ${camera.name}`;
    const said = camera.configuration;
    form.name.value = said.name;
    form.url.value = said.url;
    form.looks.value = said.looks;
    form.priority.value = said.priority;
    form.mask.checked = said.mask;
    form.clips.checked = said.clips;
    into.querySelector('.cancel').hidden = false;
    form.name.focus();
  }
  function reset() {
    edited = null;
    form.reset();
    into.querySelector('#form-title').textContent = 'Add a camera';
    into.querySelector('.cancel').hidden = true;
    tried.hidden = true;
  }
  // What the form does not show stays as it was.
  const value = () => {
    const before = edited?.configuration ?? {}, { editable, masks, schedule, fov, ...rest } = before;
    const made = { ...rest, name: form.name.value, url: form.url.value, looks: Number(form.looks.value), priority: Number(form.priority.value), mask: form.mask.checked, clips: form.clips.checked };
    if (masks?.length) made.masks = masks;
    if (schedule) made.schedule = schedule;
    if (fov) made.fov = fov;
    return made;
  };
  const say = (line, isError) => { result.textContent = line; result.className = `result ${isError ? 'error' : 'good'}`; };
  async function remove(name) {
    if (!confirm(`Remove ${name}? Its events stay.`)) return;
    const answer = await api('DELETE', `/api/cameras/${encodeURIComponent(name)}`);
    if (answer.error) say(answer.error, true);
    audit();
  }
  into.querySelector('.cancel').onclick = reset;
  into.querySelector('.try').onclick = async () => {
    if (!form.reportValidity()) return;
    say('Trying…');
    tried.hidden = true;
    const answer = await api('POST', `/api/cameras/try${edited ? `?instead=${encodeURIComponent(edited.name)}` : ''}`, value());
    if (answer.error || !answer.works) { say(answer.error ?? answer.reason, true); return; }
    say(`It works: ${answer.width}×${answer.height}, ${answer.codec}${answer.fps ? `, ${Math.round(answer.fps)} fps` : ''}.`);
    if (!answer.picture) return;
    const bytes = Uint8Array.from(atob(answer.picture), c => c.charCodeAt(0));
    tried.src = URL.createObjectURL(new Blob([bytes], { type: 'image/jpeg' }));
    tried.alt = `Picture of ${form.name.value}`;
    tried.hidden = false;
  };
  form.onsubmit = async event => {
    event.preventDefault();
    const answer = edited ? await api('PUT', `/api/cameras/${encodeURIComponent(edited.name)}`, value()) : await api('POST', '/api/cameras', value());
    if (answer.error) { say(answer.error, true); return; }
    reset();
    say(`${answer.name} is saved.`);
    audit();
  };
  async function audit() {
    const answer = await api('GET', '/api/audit');
    if (answer.error || !into.querySelector('.audit')) return;
    into.querySelector('.audit').replaceChildren(...answer.lines.slice(0, 50).map(line => {
      const row = document.createElement('tr');
      row.append(text('td', new Date(line.time).toLocaleString()), text('td', line.who ?? '–'), text('td', line.from ?? ''), text('td', line.act + (line.detail ? `: ${line.detail}` : '')));
      return row;
    }));
  }
  build();
  audit();
  const off = on('cameras', build);
  return () => off();
}
