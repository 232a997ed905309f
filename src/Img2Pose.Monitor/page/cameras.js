// All cameras as tiles, and one camera with its numbers.
import { api, state, on, text, staleness, stateText, stateKind } from './live.js';
import { draw, show } from './draw.js';
import { watch } from './video.js';
import { chart, topView } from './charts.js';
import { shapesOf } from './zones.js';

const parts = camera => state.overlay ? camera?.overlay ?? [] : [];

const numbers = status => stateKind(status) === 'live'
  ? `${status.faces} ${status.faces === 1 ? 'face' : 'faces'} · ${status.looks.toFixed(1)} looks/s${status.isShort ? ` of ${status.wanted}` : ''} · ${status.fps.toFixed(0)} fps` : '';

export function grid(into) {
  document.title = 'Cameras – img2pose monitor';
  const heading = text('h2', 'Cameras', 'visually-hidden'), list = document.createElement('ul'), tiles = new Map();
  list.className = 'grid';
  into.append(heading, list);

  function build() {
    const focused = document.activeElement?.closest?.('.tile')?.querySelector('strong').textContent;
    list.replaceChildren();
    tiles.clear();
    for (const camera of state.cameras.values()) {
      const item = document.createElement('li');
      item.className = 'tile';
      item.innerHTML = `<a><div class="picture"><canvas class="shown" role="img"></canvas><canvas class="drawn" aria-hidden="true"></canvas><div class="veil"></div></div>
        <div class="caption"><strong></strong><span class="badges"></span><span class="state"></span><span class="numbers"></span></div></a>`;
      const link = item.querySelector('a');
      link.href = `#/camera/${encodeURIComponent(camera.name)}`;
      item.querySelector('strong').textContent = camera.name;
      if (camera.status.masked) item.querySelector('.badges').append(text('span', 'faces hidden', 'badge'));
      list.append(item);
      tiles.set(camera.name, item);
      if (camera.name === focused) link.focus();
      if (state.tiles.has(camera.name)) paint(camera.name);
    }
    if (!state.cameras.size) list.append(emptyNote());
    update();
  }
  function emptyNote() {
    const note = text('li', 'There is no camera yet. ', 'empty');
    if (state.me.role === 'admin') { const link = text('a', 'Add one'); link.href = '#/settings'; note.append(link); }
    return note;
  }
  function paint(name) {
    const item = tiles.get(name), tile = state.tiles.get(name);
    if (item && tile) show(item.querySelector('.shown'), tile.bitmap);
  }
  function over(look) {
    const item = tiles.get(look.camera);
    if (item) draw(item.querySelector('.drawn'), look, parts(state.cameras.get(look.camera)));
  }
  function update() {
    for (const [name, item] of tiles) {
      const camera = state.cameras.get(name), old = staleness(camera);
      item.classList.toggle('stale', old !== null);
      item.querySelector('.veil').textContent = old ?? '';
      const line = item.querySelector('.state');
      line.className = `state ${stateKind(camera.status)}`;
      line.textContent = stateText(camera.status);
      item.querySelector('.numbers').textContent = numbers(camera.status);
      item.querySelector('.shown').setAttribute('aria-label', `${name}: ${old ?? `live, ${camera.status.faces} faces`}`);
    }
  }
  const toggle = () => { state.overlay = !state.overlay; for (const look of state.looks.values()) over(look); };
  document.addEventListener('overlay', toggle);
  const ends = [on('cameras', build), on('tile', paint), on('look', over), on('state', update), () => document.removeEventListener('overlay', toggle)];
  build();
  return () => ends.forEach(call => call());
}

export function camera(into, name) {
  document.title = `${name} – img2pose monitor`;
  if (!state.cameras.has(name)) { into.append(text('p', `There is no camera called ${name}.`, 'empty')); return () => {}; }
  into.innerHTML = `<div class="camera"><section aria-labelledby="camera-name"><div class="bar"><h2 id="camera-name"></h2><span class="state"></span></div>
    <div class="picture"><video muted playsinline autoplay></video><img alt="" hidden><canvas class="drawn" aria-hidden="true"></canvas><div class="veil"></div></div>
    <div class="bar"><button type="button" class="overlay" aria-pressed="true" aria-keyshortcuts="o">Boxes and axes</button><button type="button" class="whole" aria-keyshortcuts="f">Whole screen</button><a class="picture-link" target="_blank" rel="noopener">Snapshot</a><span class="mode badge"></span></div>
    </section><aside><h3>Now</h3><dl class="facts"></dl><h3>From above</h3><canvas class="chart top" role="img" aria-label="Heads seen from above"></canvas>
    <h3>Last ten minutes</h3><p class="visually-hidden" id="chart-note"></p><h3>Yaw</h3><canvas class="chart yaw" role="img"></canvas><h3>Pitch</h3><canvas class="chart pitch" role="img"></canvas><h3>Faces</h3><canvas class="chart count" role="img"></canvas>
    <p><a class="events-link">Events of this camera</a>, all its poses as <a class="poses-csv" download>CSV</a> or <a class="poses-jsonl" download>JSONL</a></p></aside></div>`;
  const find = selector => into.querySelector(selector), video = find('video'), image = find('img'), picture = find('.picture');
  find('h2').textContent = name;
  find('.picture-link').href = `/api/cameras/${encodeURIComponent(name)}/snapshot.jpg`;
  find('.events-link').href = `#/events/${encodeURIComponent(name)}`;
  for (const kind of ['csv', 'jsonl']) find(`.poses-${kind}`).href = `/api/samples/export.${kind}?camera=${encodeURIComponent(name)}`;
  video.setAttribute('aria-label', `Live picture of ${name}`);
  let stop = watch(video, name, () => {
    // Without MSE, or without H.264, JPEGs do.
    stop();
    stop = () => { image.removeAttribute('src'); };
    video.hidden = true;
    image.hidden = false;
    image.alt = `Live picture of ${name}`;
    image.src = `/api/cameras/${encodeURIComponent(name)}/mjpeg`;
    find('.mode').textContent = 'single pictures';
  });
  const redraw = () => draw(find('.drawn'), state.looks.get(name), parts(state.cameras.get(name)), state.overlay ? shapesOf(state.cameras.get(name)).filter(shape => shape.kind !== 'mask') : []);
  // Processor time between two states.
  let work = null, cores = null;
  const toggle = () => { state.overlay = !state.overlay; find('.overlay').setAttribute('aria-pressed', state.overlay); redraw(); };
  const step = event => { const names = [...state.cameras.keys()], at = names.indexOf(name); location.hash = `#/camera/${encodeURIComponent(names[(at + event.detail + names.length) % names.length])}`; };
  find('.overlay').onclick = toggle;
  find('.whole').onclick = () => picture.requestFullscreen();

  function update() {
    const seen = state.cameras.get(name);
    if (!seen) { location.hash = '#/'; return; }
    const now = seen.status, old = staleness(seen);
    picture.classList.toggle('stale', old !== null);
    find('.veil').textContent = old ?? '';
    find('.bar .state').className = `state ${stateKind(now)}`;
    if (now.width) picture.style.aspectRatio = `${now.width} / ${now.height}`;
    find('.bar .state').textContent = stateText(now);
    const moment = performance.now(), spent = now.cpuSeconds + now.networkSeconds;
    if (work && moment - work.moment > 4000) { cores = Math.max(0, spent - work.spent) / ((moment - work.moment) / 1000); work = { moment, spent }; }
    work ??= { moment, spent };
    const facts = [['State', now.reason ? `${stateText(now)}: ${now.reason}` : stateText(now)], ['Picture', now.width ? `${now.width}×${now.height}, ${now.codec ?? '?'}` : '–'], ['Pictures', `${now.fps.toFixed(1)} a second`],
      ['Looks', `${now.looks.toFixed(1)} of ${now.wanted} a second${now.isShort ? ', the machine is short' : ''}`], ['Age', now.age == null ? '–' : `${Math.round(now.age)} ms (95 %: ${Math.round(now.age95)})`], ['Faces', now.faces], ['Outages', now.outages], ['Left out', now.dropped], ['Processor', cores === null ? '–' : `${cores.toFixed(2)} cores`]];
    find('.facts').replaceChildren(...facts.flatMap(([term, value]) => [text('dt', term), text('dd', String(value))]));
    if (!image.hidden) return;
    find('.mode').textContent = now.masked ? 'faces hidden' : now.passesThrough ? 'the camera’s own coding' : 'encoded here';
  }
  function above(look) {
    if (look.camera !== name) return;
    redraw();
    topView(find('.top'), look);
  }
  async function history() {
    const answer = await api('GET', `/api/samples?camera=${encodeURIComponent(name)}&from=${Math.floor(Date.now() / 1000) - 600}`);
    if (answer.error || !find('.yaw')) return;
    find('#chart-note').textContent = `${answer.samples.length} rows of poses in the last ten minutes`;
    chart(find('.yaw'), answer, row => row.yaw, 90, 'Yaw, degrees');
    chart(find('.pitch'), answer, row => row.pitch, 60, 'Pitch, degrees');
    chart(find('.count'), answer, null, 0, 'Faces');
  }
  document.addEventListener('overlay', toggle);
  document.addEventListener('step', step);
  const timer = setInterval(history, 5000), ends = [on('state', update), on('look', above)];
  update();
  history();
  if (state.looks.has(name)) above(state.looks.get(name));
  return () => {
    stop();
    clearInterval(timer);
    ends.forEach(call => call());
    document.removeEventListener('overlay', toggle);
    document.removeEventListener('step', step);
  };
}
