// Boxes, axes and names over pictures, in the picture's own pixels.
import { outline } from './zones.js';

const colours = ['#ff5a4d', '#4fd06a', '#5d8dff'];

export function draw(canvas, look, parts, shapes = []) {
  const context = canvas.getContext('2d'), box = canvas.getBoundingClientRect(), dense = devicePixelRatio || 1;
  const width = Math.round(box.width * dense), height = Math.round(box.height * dense);
  if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
  context.clearRect(0, 0, width, height);
  if (!look || !look.width || Date.now() - look.time > 5000) return;
  const scale = Math.min(width / look.width, height / look.height);
  const left = (width - look.width * scale) / 2, top = (height - look.height * scale) / 2;
  const x = value => left + value * scale, y = value => top + value * scale;
  if (shapes.length) {
    context.save();
    context.translate(left, top);
    outline(context, look.width * scale, look.height * scale, shapes, dense);
    context.restore();
  }
  context.lineWidth = 2 * dense;
  context.font = `600 ${12 * dense}px system-ui, sans-serif`;
  for (const face of look.faces) {
    const [l, t, r, b] = face.box;
    if (parts.includes('box')) {
      context.setLineDash(face.detected ? [] : [4 * dense, 4 * dense]);
      context.strokeStyle = '#ffffff';
      context.strokeRect(x(l), y(t), (r - l) * scale, (b - t) * scale);
      context.setLineDash([]);
    }
    if (parts.includes('axes')) {
      const [ox, oy, ...ends] = face.axes;
      for (let i = 0; i < 3; i++) {
        context.strokeStyle = colours[i];
        context.lineWidth = 3 * dense;
        context.beginPath();
        context.moveTo(x(ox), y(oy));
        context.lineTo(x(ends[2 * i]), y(ends[2 * i + 1]));
        context.stroke();
      }
      context.lineWidth = 2 * dense;
    }
    if (parts.includes('name')) {
      const label = `#${face.id}  ${Math.round(face.yaw)}° ${Math.round(face.pitch)}°${face.distance ? `  ${(face.distance / 1000).toFixed(1)} m` : ''}`;
      const wide = context.measureText(label).width + 8 * dense, above = y(t) > 20 * dense;
      context.fillStyle = '#000c';
      context.fillRect(x(l), above ? y(t) - 18 * dense : y(b), wide, 18 * dense);
      context.fillStyle = '#fff';
      context.fillText(label, x(l) + 4 * dense, (above ? y(t) - 18 * dense : y(b)) + 13 * dense);
    }
  }
}

export function show(canvas, bitmap) {
  if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) { canvas.width = bitmap.width; canvas.height = bitmap.height; }
  canvas.getContext('2d').drawImage(bitmap, 0, 0);
}
