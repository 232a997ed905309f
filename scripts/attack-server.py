#!/usr/bin/env python3
"""For attack.sh: a server whose playlists name other places, and one that nobody must come to.

Writes the two ports into the file "ports"; what comes to the second one is noted in the file "came". Ends when its parent does.
"""
import http.server
import os
import threading
import time

HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n%s\n#EXT-X-ENDLIST\n"
DASH = (
    '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S">'
    '<Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><SegmentList>'
    '<SegmentURL media="%s"/></SegmentList></Representation></AdaptationSet></Period></MPD>'
)


class Quiet(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Victim(Quiet):
    def do_GET(self):
        with open("came", "a") as notes:
            notes.write(self.path + "\n")
        self.send_error(404)


class Host(Quiet):
    def do_GET(self):
        kind, _, ending = self.path[1:].partition(".")
        target = {"file": "file:///etc/passwd", "concat": "concat:" + other}.get(kind, other)
        self.send_response(200)
        self.send_header("Content-Type", "application/vnd.apple.mpegurl" if ending == "m3u8" else "application/dash+xml")
        self.end_headers()
        self.wfile.write(((HLS if ending == "m3u8" else DASH) % target).encode())


victim = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Victim)
host = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Host)
other = "http://127.0.0.1:%d/x.ts" % victim.server_port
for server in (victim, host):
    threading.Thread(target=server.serve_forever, daemon=True).start()
with open("ports.new", "w") as ports:
    ports.write("%d %d\n" % (host.server_port, victim.server_port))
os.rename("ports.new", "ports")
parent = os.getppid()
while os.getppid() == parent:
    time.sleep(0.2)
