#!/usr/bin/python3
"""Memory of the monitor by outages: ./scripts/soak.sh MINUTES outages, or soak-monitor-outages.py MINUTES [CLIP].

Four RTSP cameras of 640x360 at 10 pictures a second from two GStreamer servers, two looks a second, a page's socket open. Every five
seconds one server, by turns, is killed for two seconds, so that each camera is lost and found again every ten: as often in eight minutes
as in two hours of ./scripts/soak.sh MINUTES monitor. Each half minute a line: outages so far, resident memory, what of it is not of files,
the collector's committed and used memory, handles, threads. Fails where resident memory of the last quarter exceeds that of the second by
more than 12 MB or 5 %, or where handles or threads grow. Where the machine is busy that does no harm. In the environment: SOAK_STILL=1 lets
the servers live (what grows then grows by time, not by outages), SOAK_CAMERAS is another number of cameras.
"""
import importlib.util
import os
import re
import sys
import tempfile
import time
import urllib.request

sys.dont_write_bytecode = True
os.environ.setdefault("SOAK_CAMERAS", "4")
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, HERE)
specification = importlib.util.spec_from_file_location("soak_monitor", os.path.join(HERE, "soak-monitor.py"))
soak = importlib.util.module_from_spec(specification)
specification.loader.exec_module(soak)
soak.LOOKS = 2
EVERY, DEAD = 5, 2


def numbers(monitor):
    """What the monitor says of its own memory, megabytes by name."""
    with urllib.request.urlopen(monitor.address + "/metrics", timeout=20) as answer:
        found = re.findall(r"^(img2pose_heap_\w+) (\S+)$", answer.read().decode(), re.M)
    return {name.removeprefix("img2pose_heap_"): float(value) for name, value in found}


def private(pid):
    """Resident megabytes that belong to no file."""
    with open(f"/proc/{pid}/smaps_rollup") as rollup:
        return next(int(line.split()[1]) for line in rollup if line.startswith("Anonymous:")) / 1024


def main():
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 8
    clip = sys.argv[2] if len(sys.argv) > 2 else os.path.join(soak.ROOT, ".cache/demo/portrait.mp4")
    still = os.environ.get("SOAK_STILL") == "1"
    work = tempfile.mkdtemp(dir=os.environ.get("TMPDIR", "/var/tmp"))
    report, servers, monitor, page = soak.Report(), None, None, None
    try:
        coded = os.path.join(work, "clip.h264")
        soak.encode(clip, coded)
        servers = soak.Servers(coded, os.path.join(work, "times"))
        monitor = soak.Monitor(work, servers)
        page = soak.Viewers(monitor.port, "/api/live", 1)
        began, outages, told, samples, dead, until = time.monotonic(), 0, -1, [], None, 0
        while (passed := time.monotonic() - began) < minutes * 60:
            # A look at it each second.
            time.sleep(1)
            if dead is not None and passed >= until:
                servers.start(dead)
                dead = None
            elif dead is None and not still and passed >= 30 + outages * EVERY:
                dead, until = outages % 2, passed + DEAD
                outages += 1
                servers.kill(dead)
            samples.append((*monitor.sample(), private(monitor.pid)))
            if int(passed // 30) > told:
                told = int(passed // 30)
                heap = numbers(monitor)
                lost = sum(one["outages"] for one in monitor.status().values())
                # How many were lost and found is what memory is to be compared with.
                print(f"   {passed:4.0f} s, {outages} outages, {lost} cameras lost and found: {samples[-1][0]:.1f} MB resident, {samples[-1][3]:.1f} of no file, "
                      f"collector {heap.get('committed_bytes', 0) / 1e6:.1f} committed, {heap.get('used_bytes', 0) / 1e6:.1f} used; handles {samples[-1][1]}, threads {samples[-1][2]}", flush=True)
        lost = sum(one["outages"] for one in monitor.status().values())
        report.steady(samples, lambda memory: memory + max(12, 0.05 * memory))
        if not still:
            report.say(f"   cameras came back: {lost} times", lost >= outages / 2)
        return report.end()
    finally:
        soak.close(servers, monitor, page, work)


if __name__ == "__main__":
    sys.exit(main())
