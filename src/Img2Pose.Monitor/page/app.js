// The page's frame: who looks, which part is shown, keys. Parts are functions that fill <main> and return what ends them.
import { api, state, on, start, text, sentence } from './live.js';
import { grid, camera } from './cameras.js';
import { events } from './events.js';
import { settings } from './settings.js';

const main = document.getElementById('main');
let end = () => {};

const theme = localStorage.getItem('theme');
if (theme) document.documentElement.dataset.theme = theme;
document.getElementById('theme').onclick = () => {
  const dark = document.documentElement.dataset.theme ? document.documentElement.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  document.documentElement.dataset.theme = dark ? 'light' : 'dark';
  localStorage.setItem('theme', document.documentElement.dataset.theme);
};
const keys = document.getElementById('keys');
document.getElementById('help').onclick = () => keys.showModal();
document.getElementById('logout').onclick = async () => { await api('POST', '/api/logout'); location.reload(); };

// What somebody has typed may be no address at all.
const decoded = part => { try { return decodeURIComponent(part); } catch { return part; } };

function route() {
  end();
  end = () => {};
  const [, page = '', name = ''] = location.hash.split('/').map(decoded);
  for (const link of document.querySelectorAll('nav a')) {
    if (link.dataset.page === (page === 'camera' || page === '' ? 'grid' : page)) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  main.replaceChildren();
  if (!state.me.name) { end = login(main); return; }
  if (page === 'camera') end = camera(main, name);
  else if (page === 'events') end = events(main, name);
  else if (page === 'settings' && state.me.role === 'admin') end = settings(main);
  else end = grid(main);
}

function login(into) {
  document.title = 'Log in – img2pose monitor';
  into.innerHTML = `<form class="form panel login" aria-labelledby="login-title"><h2 id="login-title">Log in</h2>
    <label>User <input name="user" autocomplete="username" required autofocus></label>
    <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
    <button class="main">Log in</button><p class="error" role="alert"></p></form>`;
  const form = into.querySelector('form');
  form.onsubmit = async event => {
    event.preventDefault();
    const answer = await api('POST', '/api/login', { user: form.user.value, password: form.password.value });
    if (answer.error) { form.querySelector('.error').textContent = sentence(answer.error); form.password.select(); return; }
    await begin();
  };
  form.user.focus();
  return () => {};
}

document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.altKey || event.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) || document.querySelector('dialog[open]')) return;
  const tiles = [...document.querySelectorAll('.tile > a')], at = tiles.indexOf(document.activeElement);
  if (event.key === 'g' || event.key === 'Escape') location.hash = '#/';
  else if (event.key === 'e') location.hash = '#/events';
  else if (event.key === '?') keys.showModal();
  else if (event.key === 'o') document.dispatchEvent(new CustomEvent('overlay'));
  else if (event.key === 'f') { if (document.fullscreenElement) document.exitFullscreen(); else document.querySelector('.camera .picture')?.requestFullscreen(); }
  else if ((event.key === 'ArrowRight' || event.key === 'ArrowLeft') && tiles.length) tiles[(at + (event.key === 'ArrowRight' ? 1 : tiles.length - (at < 0 ? 0 : 1))) % tiles.length].focus();
  else if ((event.key === 'ArrowRight' || event.key === 'ArrowLeft') && location.hash.startsWith('#/camera/')) document.dispatchEvent(new CustomEvent('step', { detail: event.key === 'ArrowRight' ? 1 : -1 }));
  else return;
  event.preventDefault();
});

on('problems', problems => {
  const box = document.getElementById('problems'), shown = problems.join('\n');
  if (box.dataset.shown === shown) return;
  box.dataset.shown = shown;
  box.replaceChildren(...problems.map(problem => text('p', problem)));
});
on('connection', lost => {
  const line = document.getElementById('connection');
  line.classList.toggle('lost', lost);
  line.textContent = lost ? 'The monitor cannot be reached; pictures are old.' : '';
});
on('event', happened => {
  if (!happened.end) document.getElementById('news').textContent = `${happened.rule} on ${happened.camera}`;
});

async function begin() {
  state.me = await api('GET', '/api/me');
  document.getElementById('logout').hidden = !state.me.name || state.me.open;
  for (const element of document.querySelectorAll('[data-role]')) element.hidden = state.me.role !== element.dataset.role;
  // Who is not known yet has nowhere to go.
  document.querySelector('nav').hidden = !state.me.name;
  if (state.me.name) await start();
  route();
}
window.addEventListener('hashchange', route);
begin();
