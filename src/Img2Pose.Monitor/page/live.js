// What the monitor says while it happens: one WebSocket for the tiles and poses of all cameras.
export const state = { me: {}, cameras: new Map(), tiles: new Map(), looks: new Map(), rules: [], overlay: true };
const listeners = new Map();
let socket, wait = 500, received = 0;

export const on = (name, call) => {
  if (!listeners.has(name)) listeners.set(name, new Set());
  listeners.get(name).add(call);
  return () => listeners.get(name).delete(call);
};
const tell = (name, what) => { for (const call of listeners.get(name) ?? []) call(what); };

export const text = (tag, content, className) => {
  const element = document.createElement(tag);
  element.textContent = content;
  if (className) element.className = className;
  return element;
};

export async function api(method, path, body) {
  const headers = {};
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (method !== 'GET' && state.me.csrf) headers['X-CSRF-Token'] = state.me.csrf;
  try {
    const answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    if (answer.status === 401 && path !== '/api/login') { location.reload(); return { error: 'log in first' }; }
    return await answer.json();
  } catch { return { error: 'The monitor cannot be reached.' }; }
}

export async function start() {
  await refresh();
  connect();
}

async function refresh() {
  const answer = await api('GET', '/api/cameras');
  if (answer.error) return;
  // Pictures of before its faces or areas were hidden, or of a camera that is gone, are shown no longer. What is hidden is noted here: the
  // state that comes every second may know of it before the list does.
  for (const camera of answer.cameras) camera.hides = JSON.stringify([camera.status.masked, camera.areas.masks]);
  for (const [name, tile] of [...state.tiles]) {
    const now = answer.cameras.find(camera => camera.name === name), before = state.cameras.get(name);
    if (now && before && now.hides === before.hides) continue;
    tile.bitmap.close();
    state.tiles.delete(name);
    state.looks.delete(name);
  }
  state.cameras = new Map(answer.cameras.map(camera => [camera.name, camera]));
  state.rules = answer.rules;
  tell('problems', answer.problems);
  tell('cameras');
}

function connect() {
  socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/live`);
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => { wait = 500; received = performance.now(); tell('connection', false); };
  socket.onclose = () => {
    tell('connection', true);
    tell('state');
    setTimeout(connect, wait);
    wait = Math.min(wait * 2, 10000);
  };
  socket.onmessage = message => {
    received = performance.now();
    if (typeof message.data !== 'string') { takeTile(message.data); return; }
    const said = JSON.parse(message.data);
    if (said.type === 'look') { state.looks.set(said.camera, said); tell('look', said); }
    else if (said.type === 'state') {
      for (const status of said.cameras) { const camera = state.cameras.get(status.name); if (camera) camera.status = status; }
      tell('problems', said.problems);
      tell('state');
    } else if (said.type === 'event') tell('event', said.event);
    else if (said.type === 'changed') refresh();
  };
}

// The monitor says something every second: silence is a connection that is dead without a word.
setInterval(() => { if (socket?.readyState === 1 && performance.now() - received > 6000) { tell('connection', true); socket.close(); } }, 1000);
export const isConnected = () => socket?.readyState === 1 && performance.now() - received < 6000;

async function takeTile(data) {
  const view = new DataView(data), length = view.getUint8(1);
  const name = new TextDecoder().decode(new Uint8Array(data, 2, length));
  const time = view.getFloat64(2 + length, true);
  const bitmap = await createImageBitmap(new Blob([new Uint8Array(data, 10 + length)], { type: 'image/jpeg' }));
  // One that took longer to decode may be older than the one that is shown.
  if (state.tiles.get(name)?.time > time) { bitmap.close(); return; }
  state.tiles.get(name)?.bitmap.close();
  state.tiles.set(name, { bitmap, time });
  tell('tile', name);
}

// What the monitor answers begins without a capital, since it stands behind a colon elsewhere.
export const sentence = line => line ? line[0].toUpperCase() + line.slice(1) : '';

// A camera's state in a word or three.
export const stateText = status => !isConnected() ? 'not known' : status.state === 'unreached' ? 'not reached yet' : status.state;
export const stateKind = status => isConnected() ? status.state : 'unknown';

// Whether what is shown of a camera is old, and what to say over it.
export function staleness(camera) {
  const status = camera?.status;
  if (!isConnected()) return 'No connection to the monitor';
  if (!status) return 'No picture yet';
  const seconds = status.silent ?? null, since = seconds === null ? '' : ` No picture for ${Math.round(seconds)} s.`;
  if (status.state === 'off') return `Off ${status.reason ?? ''}`;
  if (status.state === 'connecting') return 'Connecting…';
  const again = status.retryIn != null ? ` Tried again in ${Math.ceil(status.retryIn)} s.` : ' Tried again now.';
  if (status.state === 'unreached') return `Not reached yet: ${status.reason ?? 'no answer'}.${again}`;
  if (status.state !== 'live') return `${status.reason ?? 'Lost'}.${since}${again}`;
  if (seconds === null) return status.masked ? 'Waiting for looks' : 'No picture yet';
  return seconds > 3 ? since.trim() : null;
}
