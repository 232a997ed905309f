#!/usr/bin/python3
"""The monitor under its load: ./scripts/soak.sh MINUTES monitor, or soak-monitor.py MINUTES [CLIP].

Eight RTSP cameras of 640x360 at 10 pictures a second, H.264, from two GStreamer servers, 4 looks a second asked of each, with the page
open on all of them in headless Chromium. Three parts, MINUTES plus about five minutes in all:
1. MINUTES minutes in which each minute one of the servers, by turns, is killed for 10 s: looks a second of each camera and their
   evenness, age of pictures, tiles drawn by the page, cores, memory, handles and threads; what the cameras of the other server lose.
2. The page: milliseconds to the first tile in ten fresh loads; the delay of the live view, by a code burned into the pictures, of a
   camera whose own coding is passed on and of one that is encoded by the monitor.
3. Viewers: cores with 1 and with 50 WebSocket viewers of each of these two, and how often the monitor encodes for them.
Fails where a figure misses what is asked for (each line says what). Memory is judged from ten minutes on. CLIP is a video with faces; by
default the demo's. The program must have been built (./run.sh --version). SOAK_CAMERAS, in the environment, is another number of cameras,
for trying this script on a busy machine.
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from monitor_clients import Browser, Viewers, processor  # noqa: E402

ROOT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..")
# Another build, in the environment, where this one is being built anew meanwhile.
PROGRAM = os.environ.get("SOAK_PROGRAM") or os.path.join(ROOT, "src/Img2Pose.Cli/bin/Release/net10.0/img2pose.dll")
CAMERAS, RATE, LOOKS, VIEWERS, OUTAGE, SECONDS = int(os.environ.get("SOAK_CAMERAS", 8)), 10, 4, 50, 10, 30
# The camera whose own coding is passed on, and the one that the monitor encodes since an area of it is painted over.
OWN, ENCODED = "c0", f"c{CAMERAS - 1}"
# The number of each picture as white squares at the lower edge: nine bits, the lowest first, and an even parity.
BITS, SQUARE = 9, 32

# When each tile was first drawn, and how often.
COUNT_TILES = """
  window.soakTiles = {}; window.soakFirst = {};
  const drawImage = CanvasRenderingContext2D.prototype.drawImage;
  CanvasRenderingContext2D.prototype.drawImage = function (...what) {
    drawImage.apply(this, what);
    const name = this.canvas.closest('.tile')?.querySelector('strong')?.textContent;
    if (!name) return;
    window.soakFirst[name] ??= performance.now();
    window.soakTiles[name] = (window.soakTiles[name] ?? 0) + 1;
  };
"""

# Each picture of the video when it is shown: its code and the moment in seconds since 1970.
READ_CODES = """
  window.soakSeen = [];
  const waiting = setInterval(() => {
    const video = document.querySelector('video');
    if (!video?.requestVideoFrameCallback) return;
    clearInterval(waiting);
    const canvas = document.createElement('canvas'), squares = %d, side = %d;
    canvas.width = squares * side;
    canvas.height = side;
    const context = canvas.getContext('2d', { willReadFrequently: true });
    const shown = (now, about) => {
      context.drawImage(video, 0, video.videoHeight - side, canvas.width, side, 0, 0, canvas.width, side);
      let code = 0, ones = 0;
      for (let i = 0; i < squares; i++) {
        const light = context.getImageData(i * side + side / 2, side / 2, 1, 1).data[0] > 128;
        if (light) { ones++; code |= 1 << i; }
      }
      const moment = (Date.now() - performance.now() + Math.max(about.expectedDisplayTime, performance.now())) / 1000;
      window.soakSeen.push([ones %% 2 ? -1 : code & (1 << squares - 1) - 1, moment]);
      video.requestVideoFrameCallback(shown);
    };
    video.requestVideoFrameCallback(shown);
  }, 20);
""" % (BITS + 1, SQUARE)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def quantile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(part * len(values)))] if values else float("nan")


def status_of(pid, name):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name))


def encode(clip, to):
    """The clip as a camera of 640x360 codes it, with the number of each picture burned in."""
    parity = "+".join(f"bitand(floor(n/{1 << bit}),1)" for bit in range(BITS))
    squares = [f"bitand(floor(n/{1 << bit}),1)" for bit in range(BITS)] + [f"mod({parity},2)"]
    draw = [f"drawbox=x=0:y=ih-{SQUARE}:w={SQUARE * (BITS + 1)}:h={SQUARE}:color=black:t=fill"]
    draw += [f"drawbox=x={SQUARE * i}:y=ih-{SQUARE}:w={SQUARE}:h={SQUARE}:color=white:t=fill:enable='{on}'" for i, on in enumerate(squares)]
    size = "scale=640:360:force_original_aspect_ratio=decrease,pad=640:360:-1:-1"
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-stream_loop", "-1", "-i", clip, "-t", str(SECONDS), "-vf", ",".join([f"fps={RATE}", size, *draw]),
                    "-an", "-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-g", str(RATE), "-x264-params", "aud=1:repeat-headers=1:sliced-threads=0:threads=1",
                    "-f", "h264", to], check=True)


class Servers:
    """Two RTSP servers with half of the cameras each, which can be killed and started again at the same port."""

    def __init__(self, clip, times):
        self.clip, self.times, self.ports, self.running = clip, times, [free_port(), free_port()], [None, None]
        for side in (0, 1):
            self.start(side)

    def start(self, side):
        mounts = [f"/{i}={self.clip}:{RATE}" for i in range(CAMERAS) if i % 2 == side]
        server = subprocess.Popen(["/usr/bin/python3", os.path.join(ROOT, "tests/servers/rtsp_server.py"), "--port", str(self.ports[side]), "--times", self.times, *mounts],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        server.stdout.readline()
        self.running[side] = server

    def kill(self, side):
        if self.running[side] is not None:
            self.running[side].kill()
            self.running[side].wait()
            self.running[side] = None


class Monitor:
    def __init__(self, work, servers):
        cameras = "".join(f"  - {{ name: c{i}, url: \"rtsp://127.0.0.1:{servers.ports[i % 2]}/{i}\", looks: {LOOKS}{', masks: [[[0.95, 0], [1, 0], [1, 0.05], [0.95, 0.05]]]' if f'c{i}' == ENCODED else ''} }}\n" for i in range(CAMERAS))
        with open(os.path.join(work, "cameras.yaml"), "w") as file:
            file.write(f"cameras:\n{cameras}rules:\n  - {{ name: here, when: appears, cooldown: 10s }}\n")
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(["dotnet", PROGRAM, "monitor", os.path.join(work, "cameras.yaml"), "--listen", str(self.port), "--data", os.path.join(work, "data")],
                                        stderr=open(os.path.join(work, "log"), "w"), preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        self.pid = self.process.pid
        for _ in range(300):
            try:
                return self.get("/api/me") and None
            except OSError:
                time.sleep(0.2)
        raise OSError("the monitor does not start: " + open(os.path.join(work, "log")).read())

    def get(self, path):
        with urllib.request.urlopen(self.address + path, timeout=20) as answer:
            return json.load(answer)

    def status(self):
        return {camera["name"]: camera["status"] for camera in self.get("/api/cameras")["cameras"]}

    def metric(self, name, camera):
        with urllib.request.urlopen(self.address + "/metrics", timeout=20) as answer:
            found = re.search(rf'^{name}\{{camera="{camera}"\}} (.*)$', answer.read().decode(), re.M)
        return float(found.group(1))

    def sample(self):
        """Resident megabytes, handles, threads."""
        return status_of(self.pid, "VmRSS") / 1024, len(os.listdir(f"/proc/{self.pid}/fd")), status_of(self.pid, "Threads")


class Report:
    def __init__(self):
        self.missed = []

    def say(self, line, holds=True):
        print(line if holds else line + "   <-- MISSED", flush=True)
        if not holds:
            self.missed.append(line)

    def steady(self, samples, allowed, judged=True):
        """Memory, handles and threads of the last quarter of the samples against the second; allowed: megabytes, of those of the second."""
        quarter = max(1, len(samples) // 4)
        early, late = samples[quarter:2 * quarter] or samples, samples[3 * quarter:] or samples
        memory = [quantile([one[0] for one in part], .5) for part in (early, late)]
        handles, threads = ([max(one[i] for one in part) for part in (early, late)] for i in (1, 2))
        self.say(f"   resident memory: {memory[0]:.1f} MB in the second quarter, {memory[1]:.1f} in the last, {max(one[0] for one in samples):.1f} at most" + ("" if judged else " (too short to judge)"),
                 not judged or memory[1] <= allowed(memory[0]))
        self.say(f"   handles: {handles[0]} and {handles[1]} at most; threads: {threads[0]} and {threads[1]}", not judged or (handles[1] <= handles[0] + 12 and threads[1] <= threads[0] + 8))

    def end(self):
        """The verdict, and the exit code."""
        print(f"\n{len(self.missed)} figures missed" if self.missed else "\ngood")
        return 1 if self.missed else 0


def close(servers, monitor, page, work):
    """Whatever of these there is."""
    for server in (servers.running if servers else []):
        if server is not None:
            server.kill()
    if monitor is not None:
        monitor.process.kill()
    if page is not None:
        page.kill()
    if os.environ.get("SOAK_KEEP") != "1":
        shutil.rmtree(work, ignore_errors=True)


def watch(minutes, monitor, servers, browser, grid, report):
    """Part 1."""
    began, busy, browsing = time.monotonic(), processor(monitor.pid), browser.cores()
    names = [f"c{i}" for i in range(CAMERAS)]
    live_since, back_since = {name: began for name in names}, {}
    looks, meters, ages, tiles, others = ({name: [] for name in names} for _ in range(5))
    samples, returns, outages, down, up_at = [], [], 0, None, 0
    before = None
    while (passed := time.monotonic() - began) < minutes * 60:
        time.sleep(1)
        minute = int(passed // 60)
        if down is None and passed % 60 >= 30 and outages <= minute:
            down, up_at = outages % 2, passed + OUTAGE
            outages += 1
            servers.kill(down)
        elif down is not None and passed >= up_at:
            servers.start(down)
            back_since.update({name: time.monotonic() for i, name in enumerate(names) if i % 2 == down})
            down = None
        now, status, drawn = time.monotonic(), monitor.status(), grid.evaluate("window.soakTiles")
        samples.append(monitor.sample())
        for i, name in enumerate(names):
            one = status[name]
            if one["state"] != "live":
                live_since[name] = None
                continue
            if live_since[name] is None:
                live_since[name] = now
                if name in back_since:
                    returns.append(now - back_since.pop(name))
            # The first seconds after an outage are told by how long it takes to come back.
            if before is None or now - live_since[name] < 5:
                continue
            span = now - before[0]
            looks[name].append(((one["looksDone"] - before[1][name]["looksDone"]), span))
            tiles[name].append((drawn.get(name, 0) - before[2].get(name, 0), span))
            if one.get("age") is not None:
                ages[name].append(one["age"])
            # Ten seconds are what the meter looks back.
            if now - live_since[name] > 12:
                meters[name].append(one["looks"])
                if down is not None and i % 2 != down:
                    others[name].append(one["looks"])
        before = (now, status, drawn)
    passed = time.monotonic() - began
    per_second = {name: sum(count for count, _ in looks[name]) / max(1e-9, sum(span for _, span in looks[name])) for name in names}
    print(f"\n1. {minutes:g} minutes, {outages} outages of {OUTAGE} s")
    for name in names:
        drawn = sum(count for count, _ in tiles[name]) / max(1e-9, sum(span for _, span in tiles[name]))
        report.say(f"   {name}: {per_second[name]:.2f} looks/s (worst ten seconds {min(meters[name], default=float('nan')):.1f}), age p50 {quantile(ages[name], .5):.0f} p95 {quantile(ages[name], .95):.0f} ms, {drawn:.2f} tiles/s drawn",
                   per_second[name] >= 2 and quantile(ages[name], .95) <= 400 and drawn >= 0.9)
    all_ages = [age for name in names for age in ages[name]]
    report.say(f"   looks: least {min(per_second.values()):.2f}/s, most {max(per_second.values()):.2f}/s, ratio {min(per_second.values()) / max(per_second.values()):.2f} (asked: at least 2 each, evenly; goal {LOOKS})",
               min(per_second.values()) >= 2 and min(per_second.values()) >= 0.85 * max(per_second.values()))
    report.say(f"   age of all cameras: p95 {quantile(all_ages, .95):.0f} ms (asked: 400)", quantile(all_ages, .95) <= 400)
    beside = [value for name in names for value in others[name]]
    if beside:
        print(f"   while the other server was dead: {quantile(beside, .5):.2f} looks/s in the middle, {min(beside):.1f} at least")
    if returns:
        report.say(f"   back after the server was back: {quantile(returns, .5):.1f} s in the middle, {max(returns):.1f} s at most", not back_since)
    print(f"   cores: monitor {(processor(monitor.pid) - busy) / passed:.2f}, Chromium {(browser.cores() - browsing) / passed:.2f}")
    report.steady(samples, lambda memory: 1.05 * memory, minutes >= 10)


def page(monitor, browser, times, span, report):
    """Part 2."""
    first, all_of_them = [], []
    for _ in range(10):
        window = browser.open(monitor.address, COUNT_TILES)
        if window.until(f"Object.keys(window.soakFirst ?? {{}}).length === {CAMERAS}", 30):
            drawn = window.evaluate("Object.values(window.soakFirst)")
            first.append(min(drawn))
            all_of_them.append(max(drawn))
        window.close()
    print("\n2. The page")
    report.say(f"   first tile: {quantile(first, .5):.0f} ms after the address was opened in the middle, {max(first, default=float('nan')):.0f} at most; all {CAMERAS}: {quantile(all_of_them, .5):.0f}, {max(all_of_them, default=float('nan')):.0f} (10 loads, nothing cached; asked: 1000)",
               len(first) == 10 and max(first) < 1000)
    for name, how in ((OWN, "its own coding"), (ENCODED, "encoded by the monitor")):
        window = browser.open(f"{monitor.address}/#/camera/{name}", READ_CODES)
        # Playing begins wherever the stream is; the page has a few seconds to come near its edge.
        time.sleep(5)
        begin = time.time()
        time.sleep(span)
        seen = window.evaluate("window.soakSeen")
        window.close()
        sent = {}
        for line in open(times):
            mount, number, moment = line.split()
            if mount == f"/{name[1:]}" and float(moment) > begin - SECONDS / 2:
                sent[int(number)] = sent.get(int(number), []) + [float(moment)]
        delays = []
        for code, moment in seen:
            if moment < begin or code < 0:
                continue
            if sent_before := [one for one in sent.get(code, []) if one <= moment]:
                delays.append(1000 * (moment - max(sent_before)))
        bad = sum(code < 0 for code, _ in seen)
        report.say(f"   delay of {name} ({how}): p50 {quantile(delays, .5):.0f} p95 {quantile(delays, .95):.0f} ms, {max(delays, default=float('nan')):.0f} at most; {len(delays)} pictures in {span} s, {bad} unreadable (asked: p95 700)",
                   len(delays) > 0.8 * span * (RATE if name == OWN else 2) and quantile(delays, .95) <= 700)


def viewers(monitor, span, report):
    """Part 3."""
    print("\n3. Viewers of one camera")
    for name, encoded in ((ENCODED, True), (OWN, False)):
        cores = {}
        for count in (1, VIEWERS):
            watching = Viewers(monitor.port, f"/api/cameras/{name}/video", count)
            time.sleep(3)
            began, busy, looks, coded, got = time.monotonic(), processor(monitor.pid), monitor.status()[name]["looksDone"], monitor.metric("img2pose_camera_coded_total", name), watching.counts()[0]
            time.sleep(span)
            passed = time.monotonic() - began
            cores[count] = (processor(monitor.pid) - busy) / passed
            after, lost = watching.counts()
            each = [(b - a) / passed for a, b in zip(got, after)]
            coded, looks = (monitor.metric("img2pose_camera_coded_total", name) - coded) / passed, (monitor.status()[name]["looksDone"] - looks) / passed
            watching.kill()
            source = f"{coded:.2f} pictures/s encoded at {looks:.2f} looks/s" if encoded else f"{coded:.2f} pictures/s of its own coding, none encoded"
            # A picture is encoded for each look, however many watch.
            report.say(f"   {name}, {count:2} viewers: {cores[count]:.2f} cores; {source}; {min(each):.2f} to {max(each):.2f} pictures/s at each viewer, {lost} lost",
                       lost == 0 and min(each) > 0.9 * coded - 0.2 and (not encoded or coded <= looks + 0.2))
        report.say(f"   {name}: {cores[VIEWERS] - cores[1]:.2f} cores more for {VIEWERS} viewers than for one (asked: 0.3)", cores[VIEWERS] - cores[1] <= 0.3)


def main():
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 30
    clip = sys.argv[2] if len(sys.argv) > 2 else os.path.join(ROOT, ".cache/demo/portrait.mp4")
    work = tempfile.mkdtemp(dir=os.environ.get("TMPDIR", "/var/tmp"))
    report, servers, monitor, browser = Report(), None, None, None
    span = int(max(15, min(60, 2 * minutes)))
    try:
        coded, times = os.path.join(work, "clip.h264"), os.path.join(work, "times")
        encode(clip, coded)
        servers = Servers(coded, times)
        monitor = Monitor(work, servers)
        browser = Browser(os.path.join(work, "browser"))
        grid = browser.open(monitor.address, COUNT_TILES)
        if not grid.until(f"Object.keys(window.soakFirst ?? {{}}).length === {CAMERAS}", 300):
            grid.picture(os.path.join(tempfile.gettempdir(), "soak-monitor.png"))
            raise OSError(f"of {CAMERAS} cameras the page shows {grid.evaluate('Object.keys(window.soakFirst ?? {})')}: " + open(os.path.join(work, "log")).read())
        time.sleep(10)
        watch(minutes, monitor, servers, browser, grid, report)
        grid.picture(os.path.join(tempfile.gettempdir(), "soak-monitor.png"))
        # The last outage may have been a moment ago.
        time.sleep(15)
        for name, one in monitor.status().items():
            if one["state"] != "live":
                report.say(f"   {name} has not come back: {one['state']}, {one.get('reason')}", False)
        for part in (lambda: page(monitor, browser, times, span, report), lambda: viewers(monitor, span, report)):
            try:
                part()
            except (OSError, RuntimeError, ValueError, AttributeError) as error:
                # What one part cannot measure the other may.
                report.say(f"   it breaks off: {error!r}", False)
        monitor.process.send_signal(signal.SIGINT)
        asked = time.monotonic()
        code = monitor.process.wait(30)
        print()
        report.say(f"It ended {time.monotonic() - asked:.1f} s after it was interrupted, with {code} (asked: 3 s, 130)", code == 130 and time.monotonic() - asked < 3)
        return report.end()
    finally:
        close(servers, monitor, browser, work)


if __name__ == "__main__":
    sys.exit(main())
