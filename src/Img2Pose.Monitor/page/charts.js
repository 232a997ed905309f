// Poses over time, and heads from above.
function prepare(canvas) {
  const box = canvas.getBoundingClientRect(), dense = devicePixelRatio || 1;
  canvas.width = Math.round(box.width * dense);
  canvas.height = Math.round(box.height * dense);
  const context = canvas.getContext('2d'), style = getComputedStyle(document.documentElement);
  context.scale(dense, dense);
  context.font = '11px system-ui, sans-serif';
  return { context, width: box.width, height: box.height, text: style.getPropertyValue('--soft'), line: style.getPropertyValue('--line'), accent: style.getPropertyValue('--accent') };
}
const hue = track => `hsl(${(track * 67) % 360} 75% 55%)`;

export function chart(canvas, answer, value, reach, label) {
  const { context, width, height, text, line, accent } = prepare(canvas);
  const left = 30, bottom = height - 16, x = time => left + (time - answer.from) / (answer.to - answer.from) * (width - left - 6);
  let least = -reach, most = reach, last = '';
  if (!value) {
    const counts = new Map();
    for (const row of answer.samples) counts.set(row.time, (counts.get(row.time) ?? 0) + 1);
    least = 0;
    most = Math.max(2, ...counts.values());
    last = `at most ${Math.max(0, ...counts.values())}`;
    axis();
    context.fillStyle = accent;
    const step = Math.max(1, (width - left - 6) / (answer.to - answer.from));
    for (const [time, count] of counts) context.fillRect(x(time), y(count), step + .5, bottom - y(count));
  } else {
    axis();
    for (const row of answer.samples) {
      context.fillStyle = hue(row.track);
      context.fillRect(x(row.time) - 1, y(Math.max(least, Math.min(most, value(row)))) - 1, 2.5, 2.5);
    }
    const newest = answer.samples.at(-1);
    if (newest) last = `last ${Math.round(value(newest))}°`;
  }
  canvas.setAttribute('aria-label', `${label}, last ten minutes${last ? `, ${last}` : ', nothing'}`);

  function y(number) { return bottom - (number - least) / (most - least) * (bottom - 8); }
  function axis() {
    context.strokeStyle = line;
    context.fillStyle = text;
    for (const number of value ? [least, 0, most] : [0, most]) {
      context.beginPath();
      context.moveTo(left, y(number));
      context.lineTo(width - 6, y(number));
      context.stroke();
      context.fillText(String(number), 4, y(number) + 4);
    }
    for (let minute = 0; minute <= 10; minute += 5) context.fillText(minute === 10 ? 'now' : `−${10 - minute} min`, Math.min(x(answer.from + minute * 60), width - 30), height - 4);
  }
}

export function topView(canvas, look) {
  const { context, width, height, text, line, accent } = prepare(canvas);
  // The camera stands at the bottom; distance goes up, to twice the nearest round number.
  const far = Math.max(4, ...look.faces.map(face => face.distance ? face.distance / 1000 : face.depth / 4)) * 1.15, base = height - 14, scale = (base - 10) / far;
  const metres = look.faces.some(face => face.distance);
  context.strokeStyle = line;
  context.fillStyle = text;
  for (let ring = 1; ring <= far; ring += Math.ceil(far / 5)) {
    context.beginPath();
    context.arc(width / 2, base, ring * scale, Math.PI, 2 * Math.PI);
    context.stroke();
    context.fillText(metres ? `${ring} m` : String(ring), width / 2 + 3, base - ring * scale - 2);
  }
  context.fillStyle = accent;
  context.fillRect(width / 2 - 7, base, 14, 8);
  for (const face of look.faces) {
    const distance = face.distance ? face.distance / 1000 : face.depth / 4;
    const side = ((face.box[0] + face.box[2]) / 2 - look.width / 2) / (look.width + look.height);
    const x = width / 2 + side * distance * scale * 1.4, y = base - distance * scale, turn = face.yaw * Math.PI / 180;
    context.fillStyle = hue(face.id);
    context.strokeStyle = hue(face.id);
    context.beginPath();
    context.arc(x, y, 7, 0, 2 * Math.PI);
    context.fill();
    context.lineWidth = 2;
    context.beginPath();
    context.moveTo(x, y);
    // Seen in the picture, positive yaw turns to its left.
    context.lineTo(x - 15 * Math.sin(turn), y + 15 * Math.cos(turn));
    context.stroke();
    context.fillStyle = text;
    context.fillText(`#${face.id}`, x + 9, y - 5);
  }
  canvas.setAttribute('aria-label', `${look.faces.length} heads seen from above${metres ? ', distances in metres' : ''}`);
}
