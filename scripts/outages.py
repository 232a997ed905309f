#!/usr/bin/python3
"""What happens when a camera fails: the table of docs/live.md, measured. Prints a row a fault; fails where one is not survived.

outages.py [FAULT...]      all by default, some seven minutes; --list tells their names

An RTSP server of GStreamer's (tests/servers), 640x360 at 15 pictures a second, and the program as a user runs it (run URL --json -), a
fresh one for each fault. Times are those at which its lines arrive here. The program must have been built (./run.sh --version).
"""
import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..")
PROGRAM = ["dotnet", os.path.join(ROOT, "src/Img2Pose.Cli/bin/Release/net10.0/img2pose.dll"), "run"]
RATE, PORT = 15, 18600
TABLE = "img2pose_outages"


def make(path, size, codec, between):
    coder = {"h264": ["-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-x264-params", "aud=1:repeat-headers=1:sliced-threads=0:threads=1"],
             "h265": ["-c:v", "libx265", "-preset", "ultrafast", "-tune", "zerolatency", "-x265-params", "log-level=none:aud=1:repeat-headers=1"]}[codec]
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", f"testsrc2=s={size}:r={RATE}", "-frames:v", "300",
                    *coder, "-g", str(between), "-f", {"h264": "h264", "h265": "hevc"}[codec], path], check=True)
    return path


class Camera:
    """The server, which can be told to fail."""

    def __init__(self, clip, *options):
        self.clip, self.options, self.process = clip, options, None

    def start(self, *options):
        self.process = subprocess.Popen(
            ["/usr/bin/python3", os.path.join(ROOT, "tests/servers/rtsp_server.py"), "--port", str(PORT), *self.options, *options, f"/a={self.clip}:{RATE}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if not self.process.stdout.readline().startswith("ready"):
            sys.exit("the server did not start")

    def order(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        self.process.stdout.readline()

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


class Program:
    """The program's lines, with the time of their arrival."""

    def __init__(self, url, *options):
        self.lines, self.frames, self.news, self.begun = queue.Queue(), [], [], time.monotonic()
        self.summary, self.errors = None, tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([*PROGRAM, url, "--json", "-", *options], stdout=subprocess.PIPE, stderr=self.errors, text=True,
                                        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put((time.monotonic(), json.loads(line)))
        self.lines.put(None)

    def until(self, condition, seconds):
        """Reads on until the condition holds; False when it does not in time, or at the program's end."""
        end = time.monotonic() + seconds
        while not condition():
            try:
                item = self.lines.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                return False
            if item is None:
                return condition()
            when, line = item
            if line["type"] == "frame":
                self.frames.append(when)
            elif line["type"] == "source":
                self.news.append((when, line))
            elif line["type"] == "summary":
                self.summary = line
        return True

    def outages_since(self, when):
        return sum(at > when and line["state"] == "reconnecting" for at, line in self.news)

    def frames_more(self, count, seconds=60):
        have = len(self.frames)
        return self.until(lambda: len(self.frames) >= have + count, seconds)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(20)

    def said(self):
        self.errors.seek(0)
        lines = [line.strip() for line in self.errors.read().splitlines() if line.strip()]
        return lines[-1] if lines else ""


def drop(rule):
    subprocess.run(["nft", f"add table inet {TABLE}; add chain inet {TABLE} c {{ type filter hook output priority 0; }}; add rule inet {TABLE} c {rule}"], check=True)


def undrop():
    subprocess.run(["nft", f"delete table inet {TABLE}"], check=False, stderr=subprocess.DEVNULL)


class Row:
    def __init__(self, fault):
        self.fault, self.ok = fault, True

    def measure(self, program, broken, mended, seconds):
        """Waits for the end of an outage that began and ended at these times, and tells it."""
        before = len(program.frames)
        self.ok &= program.until(lambda: any(when > mended for when in program.frames), seconds) and program.frames_more(20)
        news = [(when, line) for when, line in program.news if when > broken]
        noticed = next((when - broken for when, line in news if line["state"] == "reconnecting"), None)
        back = next((when for when in program.frames if when > mended), None)
        last = max((when for when in program.frames[:before] + program.frames if back and when < back), default=broken)
        reasons = list(dict.fromkeys(line["reason"] for _, line in news if line.get("reason")))
        lost = max(0, round((back - last) * RATE) - 1) if back and last != broken else None
        text = lambda value: "–" if value is None else f"{value:.1f} s"
        self.tell(text(noticed), text(back - mended if back else None), "–" if lost is None else lost, "; then ".join(reasons) or program.said() or "–")

    def endure(self, program, seconds, breaking, mending):
        """What is broken is mended so many seconds later; then the program is stopped, and ends as it should."""
        broken = time.monotonic()
        breaking()
        program.until(lambda: False, seconds)
        mending()
        self.measure(program, broken, time.monotonic(), 120)
        self.ok &= program.stop() == 130

    def tell(self, noticed, back, lost, message):
        print(f"| {self.fault} | {noticed} | {back} | {lost} | {message} |" + ("" if self.ok else "  FAILED"), flush=True)


@contextlib.contextmanager
def watched(camera, fault, *options, url=f"rtsp://127.0.0.1:{PORT}/a"):
    """A program on the camera and the fault's row; whatever comes, both are ended, and nothing is dropped any more."""
    program = Program(url, *options)
    try:
        yield program, Row(fault)
    finally:
        undrop()
        program.process.kill()
        camera.kill()


def outage(name, clip, breaking, mending, seconds, before=None):
    camera = Camera(clip)
    camera.start()
    if before:
        camera.order(before)
    with watched(camera, name) as (program, row):
        row.ok &= program.frames_more(30)
        row.endure(program, seconds, lambda: breaking(camera), lambda: mending(camera))
    return row.ok


def late(clip):
    """The server comes when the program has been waiting for it."""
    camera = Camera(clip)
    with watched(camera, "nobody there at the start, there after 20 s") as (program, row):
        row.endure(program, 20, lambda: None, camera.start)
    return row.ok


def password(clip):
    """The wrong one, until the camera takes it."""
    camera = Camera(clip)
    camera.start("--user", "operator", "--password", "another")

    def change():
        camera.kill()
        camera.start("--user", "operator", "--password", "secret-of-outages")

    with watched(camera, "wrong password; the camera's is changed after 20 s", url=f"rtsp://operator:secret-of-outages@127.0.0.1:{PORT}/a") as (program, row):
        row.endure(program, 20, lambda: None, change)
        program.errors.seek(0)
        if "secret-of-outages" in program.errors.read() + json.dumps([line for _, line in program.news]):
            print("the password is told")
            row.ok = False
    return row.ok


def key_pictures(clip):
    """Ten seconds from one key picture to the next, and somebody who throws the client out between two."""
    camera = Camera(clip)
    camera.start()
    with watched(camera, "10 s from one key picture to the next, for 25 s") as (program, row):
        row.ok &= program.frames_more(30)
        broken = time.monotonic()
        row.ok &= program.frames_more(25 * RATE, 60)
        gaps = [b - a for a, b in zip(program.frames, program.frames[1:]) if a > broken]
        outages = program.outages_since(broken)
        row.ok &= not outages
        row.tell("–", "–", f"{max(0, round(max(gaps) * RATE) - 1)} at once", f"{outages} outages")
        row.ok &= program.stop() == 130
    return row.ok


def loss(clip):
    """Each twentieth packet is lost on its way, for 25 s."""
    camera = Camera(clip)
    camera.start()
    with watched(camera, "5 % of UDP packets lost, for 25 s", "--rtsp-transport", "udp") as (program, row):
        row.ok &= program.frames_more(30)
        camera.order("lose /a 20")
        broken, before = time.monotonic(), len(program.frames)
        program.until(lambda: False, 25)
        camera.order("lose /a 0")
        came = len(program.frames) - before
        row.ok &= program.frames_more(30)
        outages = program.outages_since(broken)
        row.ok &= not outages and program.stop() == 130
        # The rest of what was written before it ended.
        program.until(lambda: program.summary is not None, 10)
        damaged = (program.summary or {}).get("damaged")
        row.ok &= bool(damaged)
        row.tell("–", "–", f"{max(0, 25 * RATE - came)} of {25 * RATE}", f"{damaged} damaged, {outages} outages")
    return row.ok


def certificate(clip):
    """One that nobody has signed."""
    pem = clip + ".pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", clip + ".key", "-out", pem, "-days", "2", "-subj", "/CN=127.0.0.1"], check=True, stderr=subprocess.DEVNULL)
    with open(pem, "a") as both, open(clip + ".key") as key:
        both.write(key.read())
    camera = Camera(clip, "--tls", pem)
    camera.start()
    row, url = Row("`rtsps://`, certificate that nobody signed"), f"rtsps://127.0.0.1:{PORT}/a"
    refused, begun, taken = Program(url), time.monotonic(), None
    try:
        code = refused.process.wait(30)
        noticed = time.monotonic() - begun
        taken = Program(url, "--insecure")
        plays = taken.frames_more(30)
        row.ok &= code == 3 and "certificate" in refused.said() and plays and taken.stop() == 130
        row.tell(f"{noticed:.1f} s after its start", "–", "–", f"exit code {code}: {refused.said()}; with `--insecure` it {'plays' if plays else 'does not play'}")
    finally:
        for program in (refused, taken):
            if program is not None:
                program.process.kill()
        camera.kill()
    return row.ok


def main():
    with tempfile.TemporaryDirectory(dir="/var/tmp") as work:
        clip = os.path.join(work, "a.h264")
        size, codec = os.path.join(work, "s.h264"), os.path.join(work, "c.h265")

        def killed(camera):
            camera.kill()

        faults = {
            "killed": lambda: outage("the server is killed, back after 5 s", clip, killed, Camera.start, 5),
            "gone": lambda: outage("the server is killed, back after 2 minutes", clip, killed, Camera.start, 120),
            "late": lambda: late(clip),
            "silent": lambda: outage("connected, but silent for 10 s", clip, lambda c: c.order("silent /a"), lambda c: c.order("play /a"), 10),
            "stopped": lambda: outage("the server stands still (SIGSTOP) for 10 s", clip, lambda c: c.process.send_signal(signal.SIGSTOP),
                                      lambda c: c.process.send_signal(signal.SIGCONT), 10),
            "hole": lambda: outage("black hole for 15 s (nft drops everything)", clip, lambda c: drop(f"tcp sport {PORT} drop"), lambda c: undrop(), 15),
            "password": lambda: password(clip),
            "keys": lambda: key_pictures(make(os.path.join(work, "k.h264"), "640x360", "h264", 10 * RATE)),
            "loss": lambda: loss(clip),
            "certificate": lambda: certificate(clip),
            "jump": lambda: outage("clock jumps by +10,000 s", clip, lambda c: c.order("jump /a 10000"), lambda c: None, 0),
            "back": lambda: outage("clock jumps by -10,000 s", clip, lambda c: c.order("jump /a -10000"), lambda c: None, 0, before="jump /a 20000"),
            "size": lambda: outage("640x360 becomes 640x480", clip, lambda c: c.order(f"file /a {size}"), lambda c: None, 0),
            "codec": lambda: outage("H.264 becomes H.265, the server throws its clients out", clip,
                                    lambda c: c.order(f"replace /a {codec}"), lambda c: None, 0),
        }
        chosen = sys.argv[1:] or list(faults)
        if chosen == ["--list"]:
            print(" ".join(faults))
            return 0
        for name in chosen:
            if name not in faults:
                sys.exit(f"{name} is none of: {' '.join(faults)}")
        make(clip, "640x360", "h264", 30)
        make(size, "640x480", "h264", 30)
        make(codec, "640x360", "h265", 30)
        print("| fault | noticed after | back after | pictures lost | message |\n|---|---|---|---|---|", flush=True)
        return 0 if all([faults[name]() for name in chosen]) else 1


sys.exit(main())
