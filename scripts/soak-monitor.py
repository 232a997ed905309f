#!/usr/bin/python3
"""The monitor under its load: ./scripts/soak.sh [MINUTES] monitor, or soak-monitor.py MINUTES [CLIP].

Eight RTSP cameras of 640x360 at 10 pictures a second, H.264, from GStreamer's server, with the page open on all of them in headless
Chromium; 50 WebSocket viewers of one camera for the last quarter; an outage of the server of 10 s every minute. Prints looks a second and age of each camera,
memory and cores, and fails where a camera falls below two looks a second between outages, where the ages' 95th percentile exceeds 400 ms,
where resident memory of the last quarter exceeds that of the second by more than 5 %, or where a camera does not come back.
CLIP is a video with faces; by default the demo's. The program must have been built (./run.sh --version).
"""
import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..")
PROGRAM = os.path.join(ROOT, "src/Img2Pose.Cli/bin/Release/net10.0/img2pose.dll")
CAMERAS, RATE, VIEWERS, OUTAGE = 8, 10, 50, 10


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cores(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


def quantile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(part * len(values)))] if values else float("nan")


def get(address, path):
    with urllib.request.urlopen(address + path, timeout=10) as answer:
        return json.load(answer)


def viewer(port, path):
    """A WebSocket that somebody reads: here curl's place is taken by a socket and cat's by a process that throws away."""
    request = (f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n")
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(request.encode())
    return subprocess.Popen(["cat"], stdin=connection.fileno(), stdout=subprocess.DEVNULL), connection


def main():
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 30
    clip = sys.argv[2] if len(sys.argv) > 2 else os.path.join(ROOT, ".cache/demo/portrait.mp4")
    work = tempfile.mkdtemp()
    started = []
    try:
        coded = os.path.join(work, "clip.h264")
        subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-stream_loop", "-1", "-i", clip, "-t", "30", "-vf", "scale=640:360:force_original_aspect_ratio=decrease,pad=640:360:-1:-1",
                        "-r", str(RATE), "-an", "-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-g", str(RATE),
                        "-x264-params", "aud=1:repeat-headers=1:sliced-threads=0:threads=1", "-f", "h264", coded], check=True)
        rtsp, port = free_port(), free_port()

        def serve():
            mounts = [f"/{i}={coded}:{RATE}" for i in range(CAMERAS)]
            server = subprocess.Popen(["/usr/bin/python3", os.path.join(ROOT, "tests/servers/rtsp_server.py"), "--port", str(rtsp), *mounts],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            server.stdout.readline()
            started.append(server)
            return server

        server = serve()
        with open(os.path.join(work, "cameras.yaml"), "w") as file:
            file.write("cameras:\n" + "".join(f"  - {{ name: c{i}, url: \"rtsp://127.0.0.1:{rtsp}/{i}\", looks: 4 }}\n" for i in range(CAMERAS)))
            file.write("rules:\n  - { name: here, when: appears, cooldown: 10s }\n")
        log = open(os.path.join(work, "log"), "w")
        monitor = subprocess.Popen(["dotnet", PROGRAM, "monitor", os.path.join(work, "cameras.yaml"), "--listen", str(port), "--data", os.path.join(work, "data")],
                                   stderr=log, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        started.append(monitor)
        address = f"http://127.0.0.1:{port}"
        for _ in range(300):
            try:
                get(address, "/api/me")
                break
            except OSError:
                time.sleep(0.2)
        started.append(subprocess.Popen(["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={work}/browser", "--remote-debugging-port=0", address],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        time.sleep(20)
        began, next_outage, back_at, viewers, samples = time.monotonic(), 60, 0, [], []
        busy, without = cores(monitor.pid), None
        while (passed := time.monotonic() - began) < minutes * 60:
            time.sleep(1)
            if server is None and passed > back_at:
                server = serve()
            elif server is not None and passed > next_outage and not viewers:
                next_outage += 60
                back_at = passed + OUTAGE
                server.kill()
                server.wait()
                server = None
            if not viewers and passed > minutes * 45 and server is not None:
                without = (cores(monitor.pid) - busy) / passed
                viewers = [viewer(port, "/api/cameras/c0/video") for _ in range(VIEWERS)]
                started.extend(process for process, _ in viewers)
                with_began, with_busy = time.monotonic(), cores(monitor.pid)
            status = [camera["status"] for camera in get(address, "/api/cameras")["cameras"]]
            # Ten seconds are what the meters look back.
            quiet = server is not None and passed - back_at > 35
            samples.append((passed, memory(monitor.pid), quiet, [(one["looks"], one.get("age95")) for one in status], [one["state"] for one in status]))
        watched = (cores(monitor.pid) - with_busy) / (time.monotonic() - with_began) if viewers else float("nan")
        failed = []
        for i in range(CAMERAS):
            looks = [sample[3][i][0] for sample in samples if sample[2]]
            ages = [sample[3][i][1] for sample in samples if sample[2] and sample[3][i][1] is not None]
            print(f"c{i}: looks a second {min(looks):.1f} at least, {quantile(looks, .5):.1f} in the middle; age p95 {quantile(ages, .5):.0f} ms in the middle, {max(ages):.0f} at most; {samples[-1][4][i]} at the end")
            if min(looks) < 2:
                failed.append(f"c{i} falls to {min(looks):.1f} looks a second")
            if quantile(ages, .5) > 400:
                failed.append(f"c{i} is {quantile(ages, .5):.0f} ms old")
            if samples[-1][4][i] != "live":
                failed.append(f"c{i} has not come back")
        quarter = len(samples) // 4
        second, last = (quantile([sample[1] for sample in samples[begin * quarter:(begin + 1) * quarter]], .5) for begin in (1, 3))
        print(f"memory: {second:.0f} MB in the second quarter, {last:.0f} in the last; cores: {without if without is not None else float('nan'):.2f}, with {VIEWERS} viewers of one camera {watched:.2f}")
        if last > 1.05 * second:
            failed.append("memory grows")
        monitor.send_signal(signal.SIGINT)
        asked = time.monotonic()
        code = monitor.wait(30)
        print(f"it ended after {time.monotonic() - asked:.1f} s with {code}")
        if code != 130:
            failed.append(f"it ended with {code}")
        print("\n".join(failed) if failed else "good")
        return 1 if failed else 0
    finally:
        for process in started:
            process.kill()
        shutil.rmtree(work, ignore_errors=True)


sys.exit(main())
