// One camera at its full rate: fragmented mp4 over a WebSocket into a Media Source, kept close to its end.
const NEAR = 0.75, KEPT = 8;

export function watch(video, name, fail) {
  let socket, source, buffer, queue = [], ended = false, mime = '', timer = 0, waitsFor = 0;
  if (!('MediaSource' in window)) { fail(); return () => {}; }

  function open() {
    queue = [];
    buffer = null;
    socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/cameras/${encodeURIComponent(name)}/video`);
    socket.binaryType = 'arraybuffer';
    socket.onmessage = message => {
      clearTimeout(waitsFor);
      waitsFor = 0;
      if (typeof message.data === 'string') { begin(JSON.parse(message.data).mime); return; }
      queue.push(message.data);
      pump();
    };
    socket.onclose = () => { if (!ended) timer = setTimeout(open, 1000); };
    // Cameras of other codecs than H.264 begin when the first picture is encoded.
    waitsFor ||= setTimeout(fail, 8000);
  }

  function begin(wanted) {
    queue = [];
    if (!MediaSource.isTypeSupported(wanted)) { fail(); return; }
    mime = wanted;
    source = new MediaSource();
    video.src = URL.createObjectURL(source);
    buffer = null;
    const own = source;
    source.addEventListener('sourceopen', () => {
      URL.revokeObjectURL(video.src);
      if (own !== source) return;
      buffer = source.addSourceBuffer(mime);
      buffer.mode = 'segments';
      buffer.addEventListener('updateend', () => { keepNear(); pump(); });
      buffer.addEventListener('error', () => { if (!ended) socket.close(); });
      pump();
    }, { once: true });
  }

  function pump() {
    if (!buffer || buffer.updating || source.readyState !== 'open') return;
    try {
      const held = buffer.buffered;
      if (held.length && video.currentTime - held.start(0) > 2 * KEPT) { buffer.remove(0, video.currentTime - KEPT); return; }
      if (queue.length) buffer.appendBuffer(queue.shift());
    } catch { socket.close(); }
  }

  function keepNear() {
    const held = video.buffered;
    if (!held.length) return;
    const edge = held.end(held.length - 1), from = held.start(held.length - 1), behind = edge - video.currentTime;
    if (behind > NEAR || video.currentTime < from) { video.currentTime = Math.max(from, edge - 0.1); video.playbackRate = 1; }
    else video.playbackRate = behind > 0.35 ? 1.08 : 1;
    if (video.paused && !ended) video.play().catch(() => {});
  }

  open();
  return () => {
    ended = true;
    clearTimeout(timer);
    clearTimeout(waitsFor);
    socket.close();
    video.removeAttribute('src');
    video.load();
  };
}
