// Zones, lines and masks of a camera, drawn over its picture with the mouse, a finger or the keyboard, or entered as numbers.
import { text } from './live.js';

const colours = { zone: '#4fd06a', line: '#ffb000', mask: '#ff5a4d' }, least = { zone: 3, line: 2, mask: 3 }, most = { zone: 100, line: 2, mask: 100 };
const titles = { zone: 'Zone', line: 'Line', mask: 'Mask' };
const round = value => Math.round(Math.min(1, Math.max(0, value)) * 1000) / 1000;

// Shapes of a camera's configuration, one after another.
const read = said => [
  ...Object.entries(said?.zones ?? {}).map(([name, points]) => ({ kind: 'zone', name, points })),
  ...Object.entries(said?.lines ?? {}).map(([name, points]) => ({ kind: 'line', name, points })),
  ...(said?.masks ?? []).map(points => ({ kind: 'mask', name: '', points })),
].map(shape => ({ ...shape, points: shape.points.map(point => [...point]) }));

// Draws shapes over a picture that fills the canvas.
export function outline(context, width, height, shapes, dense, chosen = null, corner = -1) {
  for (const shape of shapes) {
    if (!shape.points.length) continue;
    context.strokeStyle = colours[shape.kind];
    context.lineWidth = (shape === chosen ? 3 : 2) * dense;
    context.beginPath();
    shape.points.forEach(([x, y], i) => i ? context.lineTo(x * width, y * height) : context.moveTo(x * width, y * height));
    if (shape.kind !== 'line' && !(shape.isOpen)) context.closePath();
    if (shape.kind !== 'line') { context.fillStyle = shape.kind === 'mask' ? '#000a' : colours.zone + '33'; context.fill(); }
    context.stroke();
    const label = shape.name || titles[shape.kind], [x, y] = shape.points[0];
    context.font = `600 ${12 * dense}px system-ui, sans-serif`;
    context.fillStyle = '#000c';
    const left = Math.min(x * width, width - context.measureText(label).width - 8 * dense), top = Math.min(y * height, height - 18 * dense);
    context.fillRect(left, top, context.measureText(label).width + 8 * dense, 18 * dense);
    context.fillStyle = '#fff';
    context.fillText(label, left + 4 * dense, top + 13 * dense);
    if (shape !== chosen) continue;
    shape.points.forEach(([px, py], i) => {
      context.beginPath();
      context.arc(px * width, py * height, (i === corner ? 8 : 5) * dense, 0, 2 * Math.PI);
      context.fillStyle = i === corner ? '#fff' : colours[shape.kind];
      context.fill();
      context.stroke();
    });
  }
}

// The editor. what: the configuration's zones, lines and masks; picture: an address of a JPEG, or null.
export function editor(into, what, picture, changed = () => {}) {
  const shapes = read(what);
  let chosen = null, corner = -1, cursor = [0.5, 0.5], showsCursor = false, image = null, ended = false;
  into.innerHTML = `<div class="bar"><button type="button" class="add" data-kind="zone">New zone</button><button type="button" class="add" data-kind="line">New line</button><button type="button" class="add" data-kind="mask">New mask</button></div>
    <div class="draw-on"><canvas tabindex="0" role="img" aria-describedby="draw-help"></canvas></div>
    <p id="draw-help" class="soft">Click or tap to set corners, drag to move them; <button type="button" class="finish" disabled>Done</button> ends a shape. Keys: arrows move, Enter sets a corner, N goes to the next one, Delete removes it, Esc ends.</p>
    <ul class="shapes"></ul><p class="said visually-hidden" role="status"></p>`;
  const canvas = into.querySelector('canvas'), list = into.querySelector('.shapes'), finish = into.querySelector('.finish'), said = into.querySelector('.said');
  const isWhole = shape => shape.points.length >= least[shape.kind];

  function paint() {
    if (ended) return;
    const box = canvas.getBoundingClientRect(), dense = devicePixelRatio || 1;
    canvas.width = Math.round(box.width * dense);
    canvas.height = Math.round(box.height * dense);
    const context = canvas.getContext('2d');
    context.fillStyle = '#05070a';
    context.fillRect(0, 0, canvas.width, canvas.height);
    if (image) context.drawImage(image, 0, 0, canvas.width, canvas.height);
    outline(context, canvas.width, canvas.height, shapes, dense, chosen, corner);
    if (showsCursor) {
      const [x, y] = [cursor[0] * canvas.width, cursor[1] * canvas.height];
      context.strokeStyle = '#fff';
      context.lineWidth = dense;
      context.beginPath();
      context.moveTo(x, 0); context.lineTo(x, canvas.height); context.moveTo(0, y); context.lineTo(canvas.width, y);
      context.stroke();
    }
    canvas.setAttribute('aria-label', `${shapes.length} areas and lines${chosen ? `; ${titles[chosen.kind]} ${chosen.name} with ${chosen.points.length} corners` : ''}`);
    finish.disabled = !chosen?.isOpen;
    // A finger scrolls the page where it draws nothing.
    canvas.style.touchAction = chosen ? 'none' : 'pan-y';
  }
  function tell() { paint(); changed(); }

  function rows() {
    list.replaceChildren(...shapes.map(shape => {
      const row = document.createElement('li'), title = titles[shape.kind], use = text('button', title, 'use'), remove = text('button', 'Remove', 'danger');
      row.className = shape.kind;
      use.type = remove.type = 'button';
      use.setAttribute('aria-pressed', shape === chosen);
      use.onclick = () => { choose(shape); canvas.focus(); };
      remove.setAttribute('aria-label', `Remove ${title} ${shape.name}`);
      remove.onclick = () => { shapes.splice(shapes.indexOf(shape), 1); if (chosen === shape) choose(null); rows(); tell(); };
      row.append(use);
      if (shape.kind !== 'mask') {
        const name = document.createElement('input');
        name.value = shape.name;
        name.required = true;
        name.pattern = '[A-Za-z0-9_\\-]{1,40}';
        name.setAttribute('aria-label', `Name of the ${shape.kind}`);
        name.oninput = () => { shape.name = name.value; tell(); };
        row.append(name);
      }
      const corners = document.createElement('input');
      corners.className = 'corners';
      corners.value = shape.points.map(point => point.join(',')).join(' ');
      corners.setAttribute('aria-label', `Corners of ${title} ${shape.name}, x,y from 0 to 1`);
      corners.onchange = () => {
        const points = corners.value.trim().split(/\s+/).map(pair => pair.split(',').map(Number));
        if (points.length < least[shape.kind] || points.some(pair => pair.length !== 2 || pair.some(number => !(number >= 0 && number <= 1)))) { corners.setCustomValidity('x,y pairs from 0 to 1'); corners.reportValidity(); return; }
        corners.setCustomValidity('');
        shape.points = points.slice(0, most[shape.kind]);
        shape.isOpen = false;
        tell();
      };
      row.append(corners, remove);
      return row;
    }));
  }
  function choose(shape) {
    close();
    chosen = shape;
    corner = -1;
    for (const [i, row] of [...list.children].entries()) row.querySelector('.use').setAttribute('aria-pressed', shapes[i] === shape);
    paint();
  }
  // Ends drawing; what has too few corners is no shape.
  function close() {
    if (!chosen?.isOpen) return;
    const shape = chosen;
    shape.isOpen = false;
    if (isWhole(shape)) { said.textContent = `${titles[shape.kind]} ${shape.name} has ${shape.points.length} corners.`; }
    else { shapes.splice(shapes.indexOf(shape), 1); chosen = null; said.textContent = `${titles[shape.kind]} removed: it needs ${least[shape.kind]} corners.`; }
    rows();
    tell();
  }
  function add(kind) {
    close();
    let number = 1;
    while (shapes.some(shape => shape.name === `${kind}${number}`)) number++;
    const shape = { kind, name: kind === 'mask' ? '' : `${kind}${number}`, points: [], isOpen: true };
    shapes.push(shape);
    chosen = shape;
    corner = -1;
    rows();
    paint();
    canvas.focus();
    said.textContent = `${titles[kind]}: set ${least[kind]} corners${kind === 'line' ? '' : ' or more'}.`;
  }
  function set(point) {
    if (!chosen?.isOpen) return;
    const [first] = chosen.points;
    if (first && chosen.kind !== 'line' && isWhole(chosen) && near(first, point)) { close(); return; }
    chosen.points.push(point);
    corner = chosen.points.length - 1;
    if (chosen.points.length >= most[chosen.kind]) { close(); return; }
    rows();
    tell();
  }
  const near = (a, b) => { const box = canvas.getBoundingClientRect(); return Math.hypot((a[0] - b[0]) * box.width, (a[1] - b[1]) * box.height) < 14; };
  const place = event => { const box = canvas.getBoundingClientRect(); return [round((event.clientX - box.left) / box.width), round((event.clientY - box.top) / box.height)]; };

  for (const button of into.querySelectorAll('.add')) button.onclick = () => add(button.dataset.kind);
  finish.onclick = close;
  let drags = false;
  canvas.onpointerdown = event => {
    const point = place(event);
    showsCursor = false;
    if (chosen?.isOpen) { set(point); return; }
    for (const shape of chosen ? [chosen, ...shapes] : shapes) {
      const at = shape.points.findIndex(other => near(other, point));
      if (at < 0) continue;
      if (shape !== chosen) choose(shape);
      corner = at;
      drags = true;
      canvas.setPointerCapture(event.pointerId);
      paint();
      return;
    }
  };
  canvas.onpointermove = event => { if (drags && chosen && corner >= 0) { chosen.points[corner] = place(event); paint(); } };
  canvas.onpointerup = canvas.onpointercancel = () => { if (!drags) return; drags = false; rows(); tell(); };
  canvas.onkeydown = event => {
    const step = event.shiftKey ? 0.05 : 0.01, move = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    if (move) {
      showsCursor = true;
      if (chosen && !chosen.isOpen && corner >= 0) { cursor = chosen.points[corner] = chosen.points[corner].map((value, i) => round(value + move[i])); rows(); tell(); }
      else { cursor = cursor.map((value, i) => round(value + move[i])); paint(); }
      said.textContent = `${Math.round(cursor[0] * 100)} % from the left, ${Math.round(cursor[1] * 100)} % from above`;
    } else if (event.key === 'Enter' || event.key === ' ') { showsCursor = true; set([...cursor]); }
    else if (event.key.toLowerCase() === 'n' && chosen && !chosen.isOpen) { corner = (corner + 1) % chosen.points.length; cursor = [...chosen.points[corner]]; showsCursor = true; paint(); }
    else if ((event.key === 'Delete' || event.key === 'Backspace') && chosen) {
      if (!chosen.isOpen && chosen.points.length <= least[chosen.kind]) { said.textContent = `A ${chosen.kind} needs ${least[chosen.kind]} corners.`; return; }
      chosen.points.splice(corner >= 0 ? corner : chosen.points.length - 1, 1);
      corner = chosen.isOpen ? chosen.points.length - 1 : -1;
      rows();
      tell();
    } else if (event.key === 'Escape' && chosen) { if (chosen.isOpen) close(); else choose(null); }
    else {
      // The page's own letters would lead away from what is drawn.
      if (event.key.length === 1) event.stopPropagation();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  const resized = new ResizeObserver(paint);
  resized.observe(canvas);
  function show(address) {
    if (!address) return;
    const loading = new Image();
    loading.onload = () => { image = loading; canvas.parentElement.style.aspectRatio = `${loading.naturalWidth} / ${loading.naturalHeight}`; paint(); };
    loading.src = address;
  }
  show(picture);
  rows();
  paint();
  return {
    show,
    value() {
      close();
      const named = kind => Object.fromEntries(shapes.filter(shape => shape.kind === kind).map(shape => [shape.name, shape.points]));
      return { zones: named('zone'), lines: named('line'), masks: shapes.filter(shape => shape.kind === 'mask').map(shape => shape.points) };
    },
    // As it stands in the file, for who enters it there.
    yaml() {
      const pairs = points => `[${points.map(([x, y]) => `[${x}, ${y}]`).join(', ')}]`, of = kind => shapes.filter(shape => shape.kind === kind && isWhole(shape));
      const lines = [];
      for (const kind of ['zone', 'line']) if (of(kind).length) lines.push(`${kind}s:`, ...of(kind).map(shape => `  ${shape.name}: ${pairs(shape.points)}`));
      if (of('mask').length) lines.push('masks:', ...of('mask').map(shape => `  - ${pairs(shape.points)}`));
      return lines.join('\n');
    },
    end() { ended = true; resized.disconnect(); },
  };
}

// The shapes of a camera as the list of cameras has them.
export const shapesOf = camera => read(camera?.areas);
