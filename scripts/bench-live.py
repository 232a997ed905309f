#!/usr/bin/python3
"""How fast and how dear live sources are; prints figures, checks none. Everything that takes part is started here.

bench-live.py webcam CLIP [--seconds N] [options of run]
    CLIP as a camera of 1280x720 MJPEG at 30 pictures a second (native/v4l2-camera) in a window under Xvfb. Each picture has a
    time code burned in, which is read back from the display 120 times a second: which pictures were seen, and how old they were
    when they could first be seen (up to 8 ms too old, since it is looked at that often).
bench-live.py cameras N CLIP [--seconds N] [options of run]
    N RTSP cameras of 640x360 at 15 pictures a second from GStreamer's server, in one process.
bench-live.py stuck CLIP [--seconds N] [options of run]
    One RTSP camera of 640x360 at 15 pictures a second, while something else is stuck: a network of ten times the pixels, a window whose display
    has stopped, a video on a full disk. How old poses are when they arrive by --json -, in the first and the last third: asked is less
    than three times the slowest stage, or 150 ms, and that it does not grow. Needs root, for the full disk.

CPU is in cores, for each process on its own. The program must have been built (./run.sh --version), and the camera (./test.sh).
"""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..")
PROGRAM = ["dotnet", os.path.join(ROOT, "src/Img2Pose.Cli/bin/Release/net10.0/img2pose.dll"), "run"]
CAMERA = os.path.join(ROOT, "build/native/lib/libimg2pose_v4l2_camera.so")
WARM_UP = 6
PICTURES, BITS, CELL = 300, 9, 32


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def quantile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(part * len(values)))]


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *arguments], check=True)


def interrupted(process):
    """Starts with the signal's default, which a background job of a shell ignores."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Cores:
    """CPU of processes over a time."""

    def __init__(self, **processes):
        self.processes = processes
        self.began = time.monotonic()
        self.before = {name: cpu_seconds(process.pid) for name, process in processes.items()}

    def text(self):
        passed = time.monotonic() - self.began
        return ", ".join(f"{name} {(cpu_seconds(process.pid) - self.before[name]) / passed:.2f}" for name, process in self.processes.items())


def code_filter():
    boxes = [f"drawbox=x=0:y=0:w={CELL * BITS}:h=16:c=black:t=fill"]
    boxes += [f"drawbox=x={CELL * bit}:y=0:w={CELL}:h=16:c=white:t=fill:enable='mod(floor(n/{1 << bit}),2)'" for bit in range(BITS)]
    return ",".join(boxes)


def webcam(clip, seconds, options, work):
    mjpeg, devices, started, codes = (os.path.join(work, name) for name in ("a.mjpeg", "devices", "started", "codes"))
    ffmpeg("-stream_loop", "-1", "-i", clip, "-vf", f"fps=30,scale=1280:720:force_original_aspect_ratio=increase,crop=1280:720,{code_filter()}",
           "-frames:v", str(PICTURES), "-c:v", "mjpeg", "-q:v", "4", "-pix_fmt", "yuvj422p", "-f", "mjpeg", mjpeg)
    with open(devices, "w") as text:
        text.write(f"/dev/video0 card=Camera mode=MJPG:1280x720:30:{mjpeg} started={started}\n")
    display = f":{100 + os.getpid() % 400}"
    xvfb = subprocess.Popen(["Xvfb", display, "-screen", "0", "1600x1000x24", "-nolisten", "tcp"], stderr=subprocess.DEVNULL)
    try:
        while not os.path.exists(f"/tmp/.X11-unix/X{display[1:]}"):
            time.sleep(0.05)
        environment = {**os.environ, "DISPLAY": display, "IMG2POSE_V4L2": devices}
        program = subprocess.Popen(["env", f"LD_PRELOAD={CAMERA}", *PROGRAM, "0", "--show", *options], env=environment, stderr=subprocess.PIPE,
                                   text=True, preexec_fn=lambda: interrupted(None))
        time.sleep(WARM_UP)
        place = subprocess.run(["xdotool", "search", "--name", "^img2pose$", "getwindowgeometry", "--shell"], env=environment,
                               capture_output=True, text=True, check=True).stdout
        x, y, width, height = (int(re.search(rf"^{name}=(-?\d+)", place, re.M).group(1)) for name in ("X", "Y", "WIDTH", "HEIGHT"))
        if width != 1280:
            sys.exit(f"the window is {width}x{height}: the time code cannot be read")
        cores = Cores(program=program, Xvfb=xvfb)
        grab = subprocess.Popen(["ffmpeg", "-nostdin", "-v", "error", "-y", "-copyts", "-f", "x11grab", "-framerate", "120", "-video_size", f"{CELL * BITS}x16",
                                 "-grab_x", str(x), "-grab_y", str(y), "-draw_mouse", "0", "-t", str(seconds), "-i", display,
                                 "-filter_complex", f"format=gray,scale={BITS}:1:flags=area,split[a][b]",
                                 "-map", "[a]", "-fps_mode", "passthrough", "-f", "rawvideo", codes,
                                 "-map", "[b]", "-fps_mode", "passthrough", "-f", "mkvtimestamp_v2", codes + ".times"])
        time.sleep(seconds)
        used = cores.text()
        # It counts its time from the clock's zero where times are copied.
        grab.terminate()
        grab.wait()
        program.send_signal(signal.SIGINT)
        _, said = program.communicate(timeout=20)
    finally:
        xvfb.terminate()
        xvfb.wait()
    report_codes(codes, started, used, said)


def report_codes(codes, started, used, said):
    with open(started) as text:
        began = int(text.read()) / 1e9 + time.time() - time.monotonic()
    with open(codes, "rb") as data:
        rows = data.read()
    with open(codes + ".times") as text:
        times = [float(line) / 1000 for line in text if not line.startswith("#")]
    seen = {}
    for i in range(min(len(times), len(rows) // BITS)):
        code = sum((rows[BITS * i + bit] > 127) << bit for bit in range(BITS))
        # The newest picture of this code that can have been taken.
        last = int((times[i] - began) * 30) - 1
        number = last - (last - code) % PICTURES
        seen.setdefault(number, times[i] - (began + (number + 1) / 30))
    numbers = sorted(seen)[1:-1]
    ages = [1000 * seen[number] for number in numbers]
    asked = numbers[-1] - numbers[0] + 1
    print(f"{len(times)} looks at the display; {len(numbers)} of {asked} pictures seen ({asked - len(numbers)} missing)")
    print(f"age of what is seen: median {quantile(ages, 0.5):.0f} ms, 95 % {quantile(ages, 0.95):.0f} ms, oldest {max(ages):.0f} ms (two frame intervals: 67 ms)")
    print(f"cores: {used}")
    print(said.strip().splitlines()[-1])


def cameras(count, clip, seconds, options, work):
    h264, listing, poses = (os.path.join(work, name) for name in ("a.h264", "cameras.txt", "poses/"))
    ffmpeg("-stream_loop", "-1", "-i", clip, "-vf", "fps=15,scale=640:360:force_original_aspect_ratio=increase,crop=640:360", "-frames:v", "300",
           "-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-g", "30",
           "-x264-params", "aud=1:repeat-headers=1:sliced-threads=0:threads=1", "-f", "h264", h264)
    server = subprocess.Popen(["/usr/bin/python3", os.path.join(ROOT, "tests/servers/rtsp_server.py"), *[f"/{i}={h264}:15" for i in range(count)]],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    port = server.stdout.readline().split()[1]
    with open(listing, "w") as text:
        text.writelines(f"rtsp://127.0.0.1:{port}/{i}\n" for i in range(count))
    os.mkdir(poses)
    target = poses if count > 1 else poses + "0.jsonl"
    program = subprocess.Popen([*PROGRAM, listing, "--json", target, "--quiet", *options], preexec_fn=lambda: interrupted(None))
    try:
        time.sleep(WARM_UP)
        cores = Cores(program=program, server=server)
        wall = time.time()
        time.sleep(seconds)
        used, until = cores.text(), time.time()
        program.send_signal(signal.SIGINT)
        program.wait(timeout=20)
    finally:
        program.kill()
        server.kill()
        server.wait()
    rates, worst = [], []
    for name in sorted(os.listdir(poses)):
        with open(os.path.join(poses, name)) as text:
            lines = [json.loads(line) for line in text]
        taken = [calendar(line["time"]) for line in lines if line["type"] == "frame"]
        rates.append(sum(wall <= at < until for at in taken) / (until - wall))
        worst.append(1000 * lines[-1]["age"]["p95"])
    print(f"{count} cameras: {' '.join(f'{rate:.1f}' for rate in rates)} looks a second; age 95 % {' '.join(f'{age:.0f}' for age in worst)} ms; cores: {used}")


def stuck(clip, seconds, options, work):
    h264 = os.path.join(work, "a.h264")
    ffmpeg("-stream_loop", "-1", "-i", clip, "-vf", "fps=15,scale=640:360:force_original_aspect_ratio=increase,crop=640:360", "-frames:v", "300",
           "-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-g", "30",
           "-x264-params", "aud=1:repeat-headers=1:sliced-threads=0:threads=1", "-f", "h264", h264)
    server = subprocess.Popen(["/usr/bin/python3", os.path.join(ROOT, "tests/servers/rtsp_server.py"), f"/a={h264}:15"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    url = f"rtsp://127.0.0.1:{server.stdout.readline().split()[1]}/a"
    display, disk = f":{500 + os.getpid() % 400}", os.path.join(work, "disk")
    xvfb = subprocess.Popen(["Xvfb", display, "-screen", "0", "1024x768x24", "-nolisten", "tcp"], stderr=subprocess.DEVNULL)
    os.mkdir(disk)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", disk], check=True)
    try:
        while not os.path.exists(f"/tmp/.X11-unix/X{display[1:]}"):
            time.sleep(0.05)
        pose_age("nothing stuck", url, seconds, options)
        pose_age("a network of ten times the pixels", url, seconds, ["--size", "2048", *options])
        pose_age("a window whose display has stopped", url, seconds, ["--show", *options], lambda: xvfb.send_signal(signal.SIGSTOP), display=display)
        xvfb.send_signal(signal.SIGCONT)
        pose_age("a video on a full disk", url, seconds, ["--out", os.path.join(disk, "a.mkv"), "--quality", "1", *options])
    finally:
        subprocess.run(["umount", "-l", disk], check=False)
        xvfb.kill()
        server.kill()
        xvfb.wait()
        server.wait()


def pose_age(name, url, seconds, options, break_it=None, display=None):
    environment = {**os.environ, **({"DISPLAY": display} if display else {})}
    program = subprocess.Popen([*PROGRAM, url, "--json", "-", "--quiet", *options], env=environment, stdout=subprocess.PIPE, text=True,
                               stderr=subprocess.DEVNULL, preexec_fn=lambda: interrupted(None))
    ages, summary, until, begun = [], None, None, time.time() + WARM_UP
    # The end of the program ends its lines.
    for text in program.stdout:
        now, line = time.time(), json.loads(text)
        if line["type"] == "summary":
            summary = line
        if line["type"] != "frame" or now < begun:
            continue
        if until is None:
            until = now + seconds
            if break_it:
                break_it()
        if now < until:
            ages.append(1000 * (now - calendar(line["time"])))
        elif program.poll() is None and break_it is not False:
            program.send_signal(signal.SIGINT)
            break_it = False
    program.wait(timeout=20)
    third = max(1, len(ages) // 3)
    slowest = max((1000 * stage["seconds"] / stage["frames"], which) for which, stage in summary["stages"].items()
                  if stage["frames"] and which != "decode")  # which waits for pictures
    print(f"| {name} | {len(ages) / seconds:.1f} | {slowest[1]} {slowest[0]:.0f} | {quantile(ages[:third], 0.95):.0f} | {quantile(ages[-third:], 0.95):.0f} | {max(ages):.0f} |", flush=True)


def calendar(text):
    from datetime import datetime
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def main():
    words = sys.argv[1:]
    seconds = 20
    if "--seconds" in words:
        at = words.index("--seconds")
        seconds = float(words[at + 1])
        del words[at:at + 2]
    if len(words) < 2 or words[0] not in ("webcam", "cameras", "stuck"):
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as work:
        if words[0] == "webcam":
            webcam(words[1], seconds, words[2:], work)
        elif words[0] == "stuck":
            stuck(words[1], seconds, words[2:], work)
        else:
            cameras(int(words[1]), words[2], seconds, words[3:], work)


main()
