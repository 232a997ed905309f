#!/usr/bin/python3
"""An RTSP server for tests, on GStreamer's: plays encoded video from files as a camera would, with faults on request.

rtsp_server.py [--port N] [--address A] [--user NAME --password WORD --digest] [--tls CERTIFICATE.pem] [--times FILE] MOUNT=FILE:RATE ...

FILE's ending tells the codec: .h264 and .h265 (with access unit delimiters) or .mjpeg. Prints "ready PORT" when it listens. With
--times each picture's mount, number in its file and moment (seconds since 1970) are added to a file when it is sent.
Orders come as lines on standard input: "silent MOUNT" (the connection stays, nothing comes), "play MOUNT", "jump MOUNT SECONDS"
(timestamps from now on), "file MOUNT FILE" (goes on with another file of the same codec, as a camera that changes its size),
"replace MOUNT FILE" (another codec: whoever is connected is thrown out), "lose MOUNT N" (each Nth packet on average, or none: 0). The end of
standard input ends it.
"""
import argparse
import random
import re
import sys
import threading
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

CAPS = {
    "h264": ("video/x-h264,stream-format=byte-stream,alignment=au", "rtph264pay config-interval=-1"),
    "h265": ("video/x-h265,stream-format=byte-stream,alignment=au", "rtph265pay config-interval=-1"),
    "mjpeg": ("image/jpeg", "rtpjpegpay"),
}
START = {"h264": rb"\x00\x00\x00\x01\x09", "h265": rb"\x00\x00\x00\x01\x46\x01", "mjpeg": rb"\xff\xd8\xff"}


def codec_of(path):
    return path.rsplit(".", 1)[-1]


def pictures_of(path):
    data = open(path, "rb").read()
    begins = [match.start() for match in re.finditer(START[codec_of(path)], data)]
    return [data[a:b] for a, b in zip(begins, begins[1:] + [len(data)])]


class Mount:
    def __init__(self, name, path, rate, times=None):
        self.name, self.rate, self.times = name, rate, times
        self.silent, self.jump, self.lost_of = False, 0.0, 0
        # Which packets are lost is chance, but the same in each run.
        self.chance = random.Random(5)
        self.load(path)

    def load(self, path):
        self.codec, self.pictures, self.index = codec_of(path), pictures_of(path), 0

    def size(self):
        if self.codec != "mjpeg":
            return ""
        # The payloader wants to know it beforehand; it stands in the frame header.
        header = re.search(rb"\xff\xc0..\x08(..)(..)", self.pictures[0], re.S)
        height, width = (int.from_bytes(header.group(i), "big") for i in (1, 2))
        return f",width={width},height={height},framerate={int(self.rate)}/1"

    def factory(self, permissions):
        caps, payloader = CAPS[self.codec]
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_shared(True)
        caps += self.size() or f",framerate={int(self.rate)}/1"
        factory.set_launch(
            f"( appsrc name=src is-live=true format=time block=true max-bytes=2000000 caps=\"{caps}\" ! {payloader} name=pay0 pt=96 )"
            .replace("pt=96", "pt=26" if self.codec == "mjpeg" else "pt=96"))
        if permissions:
            factory.set_permissions(permissions)
        factory.connect("media-configure", self.configure)
        return factory

    def configure(self, factory, media):
        source = media.get_element().get_child_by_name("src")
        media.connect("new-state", self.started)
        # Behind the payloader: the packets after a lost one have its successors' numbers, as if the network had lost it.
        media.get_element().get_child_by_name("pay0").get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER | Gst.PadProbeType.BUFFER_LIST, self.lose)
        state = {"on": True}
        media.connect("unprepared", lambda _: state.update(on=False))
        threading.Thread(target=self.feed, args=(source, state, self.pictures), daemon=True).start()

    def lose(self, pad, info):
        if not self.lost_of:
            return Gst.PadProbeReturn.OK
        if info.type & Gst.PadProbeType.BUFFER_LIST:
            # A picture's packets come together: each by itself, so that it is asked about again below.
            packets = info.get_buffer_list()
            for i in range(packets.length()):
                pad.push(packets.get(i))
            return Gst.PadProbeReturn.DROP
        return Gst.PadProbeReturn.DROP if self.chance.randrange(self.lost_of) == 0 else Gst.PadProbeReturn.OK

    def started(self, media, state):
        # What jumps is sent all the same: by default a picture from the future would wait for it.
        if state == Gst.State.PLAYING:
            iterator = media.get_element().get_parent().iterate_recurse()
            while True:
                result, element = iterator.next()
                if result != Gst.IteratorResult.OK:
                    break
                if element.find_property("sync"):
                    element.set_property("sync", False)

    def feed(self, source, state, first):
        # Whoever comes gets a key picture at once: the clip from its beginning.
        self.index = 0
        began = time.monotonic()
        count = 0
        while state["on"]:
            wait = began + count / self.rate - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            if not self.silent:
                pictures = self.pictures
                number = self.index % len(pictures)
                picture = pictures[number]
                self.index += 1
                if self.times:
                    self.times.write(f"{self.name} {number} {time.time():.4f}\n")
                buffer = Gst.Buffer.new_wrapped(picture)
                buffer.pts = buffer.dts = int((count / self.rate + self.jump) * Gst.SECOND)
                buffer.duration = int(Gst.SECOND / self.rate)
                if source.emit("push-buffer", buffer) != Gst.FlowReturn.OK:
                    return
            count += 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", default="0")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--digest", action="store_true")
    parser.add_argument("--tls")
    parser.add_argument("--times")
    parser.add_argument("mounts", nargs="+")
    options = parser.parse_args()
    Gst.init(None)

    server = GstRtspServer.RTSPServer()
    server.set_address(options.address)
    server.set_service(options.port)
    permissions = None
    if options.user or options.tls:
        auth = GstRtspServer.RTSPAuth()
        if options.user:
            token = GstRtspServer.RTSPToken()
            token.set_string("media.factory.role", "user")
            if options.digest:
                auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
                auth.add_digest(options.user, options.password, token)
            else:
                auth.add_basic(GstRtspServer.RTSPAuth.make_basic(options.user, options.password), token)
            permissions = GstRtspServer.RTSPPermissions()
            permissions.add_permission_for_role("user", "media.factory.access", True)
            permissions.add_permission_for_role("user", "media.factory.construct", True)
        if options.tls:
            auth.set_tls_certificate(Gio.TlsCertificate.new_from_file(options.tls))
            if not options.user:
                token = GstRtspServer.RTSPToken()
                token.set_string("media.factory.role", "anyone")
                auth.set_default_token(token)
                permissions = GstRtspServer.RTSPPermissions()
                permissions.add_permission_for_role("anyone", "media.factory.access", True)
                permissions.add_permission_for_role("anyone", "media.factory.construct", True)
        server.set_auth(auth)

    times = open(options.times, "a", buffering=1) if options.times else None
    mounts = {}
    points = server.get_mount_points()
    for text in options.mounts:
        name, rest = text.split("=", 1)
        path, rate = rest.rsplit(":", 1)
        mounts[name] = Mount(name, path, float(rate), times)
        points.add_factory(name, mounts[name].factory(permissions))

    def throw_out():
        server.client_filter(lambda *_: GstRtspServer.RTSPFilterResult.REMOVE)

    def replace(mount, path):
        mount.load(path)
        points.remove_factory(mount.name)
        throw_out()
        points.add_factory(mount.name, mount.factory(permissions))

    loop = GLib.MainLoop()

    def obey():
        for line in sys.stdin:
            order, name, *rest = line.split()
            mount = mounts[name]
            if order in ("silent", "play"):
                mount.silent = order == "silent"
            elif order == "jump":
                mount.jump += float(rest[0])
            elif order == "lose":
                mount.lost_of = int(rest[0])
            elif order == "file":
                mount.load(rest[0])
            elif order == "replace":
                GLib.idle_add(replace, mount, rest[0])
            print("done", line.strip(), flush=True)
        loop.quit()

    if server.attach(None) == 0:
        sys.exit("cannot listen")
    print("ready", server.get_bound_port(), flush=True)
    threading.Thread(target=obey, daemon=True).start()
    loop.run()


main()
