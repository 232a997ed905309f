// Cameras that are entered here, for administrators, and what has been done.
import { api, state, on, text } from './live.js';
import { editor } from './zones.js';

const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

export function settings(into) {
  document.title = 'Settings – img2pose monitor';
  into.innerHTML = `<h2>Settings</h2><section class="panel" aria-labelledby="cameras-title"><h3 id="cameras-title">Cameras</h3><div class="scroll"><table class="stack"><thead><tr><th scope="col">Name</th><th scope="col">Address</th><th scope="col">Looks</th><th scope="col">Faces</th><th scope="col"><span class="visually-hidden">Acts</span></th></tr></thead><tbody></tbody></table></div></section>
    <section class="panel file-areas" aria-labelledby="areas-title" hidden><h3 id="areas-title"></h3><p class="soft">This camera stands in your file, which is never written here: copy what you draw to it.</p><div class="areas"></div><label>For the file <textarea class="yaml" rows="5" readonly></textarea></label><div class="bar"><button type="button" class="close">Close</button></div></section>
    <section class="panel" aria-labelledby="form-title"><h3 id="form-title">Add a camera</h3><form class="form wide"><div class="fields">
    <label>Name <input name="name" required pattern="[A-Za-z0-9_\\-]{1,40}"><small>letters, digits, - and _</small></label>
    <label>Address <input name="url" required spellcheck="false" autocomplete="off" placeholder="rtsp://user:password@192.168.1.20/live"><small>rtsp(s)://, http(s):// or rtmp://</small></label>
    <label>Pictures come over <select name="transport"><option value="tcp">TCP</option><option value="udp">UDP (RTSP alone)</option></select></label>
    <label>Looks a second <input name="looks" type="number" min="0.1" max="60" step="any" value="5"></label>
    <label>Priority <input name="priority" type="number" min="0.1" max="100" step="any" value="1"><small>share of the machine where it is short</small></label>
    <label>Size of a look <input name="size" type="number" min="64" max="4096" step="1" placeholder="the model’s own"><small>pixels; smaller is quicker and misses small faces</small></label>
    <label>Field of view <input name="fov" type="number" min="5" max="170" step="any" placeholder="not known"><small>degrees across, for distances</small></label>
    <label>Hours <input name="hours" pattern="\\d{1,2}:\\d{2} ?- ?\\d{1,2}:\\d{2}" placeholder="always"><small>such as 22:00-06:00</small></label></div>
    <fieldset><legend>Days</legend>${days.map(day => `<label class="check"><input type="checkbox" name="day" value="${day}"> ${day}</label>`).join('')}<small>none: every day</small></fieldset>
    <fieldset><legend>Drawn over the picture</legend>${['box', 'axes', 'name'].map(part => `<label class="check"><input type="checkbox" name="overlay" value="${part}" checked> ${part}</label>`).join('')}</fieldset>
    <label class="check"><input type="checkbox" name="mask"> Hide every face</label><label class="check"><input type="checkbox" name="clips" checked> Keep clips of events</label><label class="check"><input type="checkbox" name="insecure"> Take its certificate unseen</label>
    <details class="shape-details"><summary>Zones, lines and masks</summary><div class="areas"></div></details>
    <div class="bar"><button type="button" class="try">Try</button><button class="main">Save</button><button type="button" class="cancel" hidden>Cancel</button></div>
    <p role="status" class="result"></p><img class="tried" alt="" hidden></form></section>
    <section class="panel" aria-labelledby="audit-title"><h3 id="audit-title">What has been done</h3><div class="scroll"><table class="stack"><thead><tr><th scope="col">Time</th><th scope="col">Who</th><th scope="col">From</th><th scope="col">What</th></tr></thead><tbody class="audit"></tbody></table></div></section>`;
  const find = selector => into.querySelector(selector), form = find('form'), rows = find('tbody'), result = find('.result'), tried = find('.tried'), inFile = find('.file-areas');
  let edited = null, areas = null, others = null;

  function build() {
    rows.replaceChildren(...[...state.cameras.values()].map(camera => {
      const row = document.createElement('tr'), said = camera.configuration, acts = document.createElement('td');
      if (said?.editable) acts.append(button('Edit', () => edit(camera)), button('Remove', () => remove(camera.name), 'danger'));
      else acts.append(button('Areas', () => draw(camera)), text('span', 'in the file', 'badge'));
      row.append(text('td', camera.name), text('td', said?.url ?? ''), labelled('Looks', String(said?.looks ?? '')), labelled('Faces', said?.mask ? 'hidden' : 'shown'), acts);
      return row;
    }));
    if (!state.cameras.size) { const row = document.createElement('tr'), cell = text('td', 'There is no camera yet.', 'soft'); cell.colSpan = 5; row.append(cell); rows.append(row); }
  }
  // On a phone, where tables have no heads, it stands before the value.
  function labelled(label, value) { const cell = text('td', value); cell.dataset.label = label; return cell; }
  function button(name, call, kind) { const made = text('button', name, kind); made.type = 'button'; made.onclick = call; return made; }
  const pictureOf = name => `/api/cameras/${encodeURIComponent(name)}/snapshot.jpg`;
  function open(said, picture) {
    areas?.end();
    areas = editor(form.querySelector('.areas'), said, picture);
  }
  function edit(camera) {
    edited = camera;
    result.textContent = '';
    const said = camera.configuration;
    find('#form-title').textContent = `Change ${camera.name}`;
    for (const name of ['name', 'url', 'transport', 'looks', 'priority']) form[name].value = said[name];
    for (const name of ['size', 'fov']) form[name].value = said[name] ?? '';
    form.hours.value = said.schedule?.hours === '00:00-00:00' ? '' : said.schedule?.hours ?? '';
    for (const box of form.querySelectorAll('[name=day]')) box.checked = said.schedule?.days?.includes(box.value) ?? false;
    for (const box of form.querySelectorAll('[name=overlay]')) box.checked = said.overlay.includes(box.value);
    form.mask.checked = said.mask;
    form.clips.checked = said.clips;
    form.insecure.checked = said.insecure;
    find('.cancel').hidden = false;
    find('.shape-details').open = true;
    open(said, pictureOf(camera.name));
    form.name.focus();
  }
  function reset() {
    edited = null;
    form.reset();
    find('#form-title').textContent = 'Add a camera';
    find('.cancel').hidden = true;
    find('.shape-details').open = false;
    tried.hidden = true;
    open(null, null);
  }
  // A camera of the file: what is drawn is shown as the file has it.
  function draw(camera) {
    others?.end();
    inFile.hidden = false;
    find('#areas-title').textContent = `Areas of ${camera.name}`;
    const yaml = inFile.querySelector('.yaml'), show = () => { yaml.value = others.yaml(); yaml.rows = Math.max(3, yaml.value.split('\n').length); };
    others = editor(inFile.querySelector('.areas'), camera.areas, pictureOf(camera.name), () => others && show());
    show();
    inFile.scrollIntoView({ block: 'start' });
    inFile.querySelector('.add').focus();
  }
  inFile.querySelector('.close').onclick = () => { others?.end(); others = null; inFile.hidden = true; };
  const value = () => {
    const number = name => form[name].value === '' ? undefined : Number(form[name].value), checked = name => [...form.querySelectorAll(`[name=${name}]:checked`)].map(box => box.value);
    const made = { transport: form.transport.value, insecure: form.insecure.checked, name: form.name.value, url: form.url.value, looks: number('looks'), priority: number('priority'), size: number('size'), fov: number('fov'),
      mask: form.mask.checked, clips: form.clips.checked, overlay: checked('overlay').length ? checked('overlay') : ['none'] };
    if (form.hours.value || checked('day').length) made.schedule = { hours: form.hours.value || '00:00-00:00', days: checked('day') };
    const drawn = areas.value();
    if (Object.keys(drawn.zones).length) made.zones = drawn.zones;
    if (Object.keys(drawn.lines).length) made.lines = drawn.lines;
    if (drawn.masks.length) made.masks = drawn.masks;
    return made;
  };
  const say = (line, isError) => { result.textContent = line; result.className = `result ${isError ? 'error' : 'good'}`; };
  async function remove(name) {
    if (!confirm(`Remove ${name}? Its events stay.`)) return;
    const answer = await api('DELETE', `/api/cameras/${encodeURIComponent(name)}`);
    if (answer.error) say(answer.error, true);
    else if (edited?.name === name) reset();
    audit();
  }
  find('.cancel').onclick = reset;
  // What is hidden cannot be complained about.
  form.addEventListener('invalid', () => { find('.shape-details').open = true; }, true);
  find('.try').onclick = async () => {
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
    if (!edited) areas.show(tried.src);
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
    if (answer.error || !find('.audit')) return;
    find('.audit').replaceChildren(...answer.lines.slice(0, 50).map(line => {
      const row = document.createElement('tr');
      row.append(text('td', new Date(line.time).toLocaleString()), text('td', line.who ?? '–'), text('td', line.from ?? ''), text('td', line.act + (line.detail ? `: ${line.detail}` : '')));
      return row;
    }));
  }
  build();
  open(null, null);
  audit();
  const off = on('cameras', build);
  return () => { off(); areas?.end(); others?.end(); };
}
