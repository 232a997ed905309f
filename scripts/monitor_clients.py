"""What the monitor's load test looks with: WebSocket viewers, and Debian's Chromium over its DevTools protocol. Standard library only."""
import base64
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class WebSocket:
    """A client (RFC 6455) that answers pings, which the monitor sends to know that somebody is there."""

    def __init__(self, port, path, host="127.0.0.1"):
        self.connection = socket.create_connection((host, port), timeout=30)
        key = base64.b64encode(os.urandom(16)).decode()
        self.connection.sendall((f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                 f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n").encode())
        self.data, self.parts, self.kind = bytearray(), [], TEXT
        while b"\r\n\r\n" not in self.data:
            self._read()
        head, _, rest = bytes(self.data).partition(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n", 1)[0]:
            raise OSError(f"{path}: {head.decode(errors='replace').splitlines()[0]}")
        self.data = bytearray(rest)

    def send(self, kind, payload=b""):
        mask = os.urandom(4)
        length = len(payload)
        head = bytes([0x80 | kind]) + (bytes([0x80 | length]) if length < 126 else bytes([0xfe]) + length.to_bytes(2, "big") if length < 65536 else bytes([0xff]) + length.to_bytes(8, "big"))
        self.connection.sendall(head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload)))

    def receive(self):
        """Waits for the next message: its kind and bytes."""
        while True:
            if (message := self.next()) is not None:
                return message
            self._read()

    def next(self):
        """The next message of what has come already, or None."""
        while len(self.data) >= 2:
            at, length = 2, self.data[1] & 0x7f
            if length == 126:
                length, at = int.from_bytes(self.data[2:4], "big"), 4
            elif length == 127:
                length, at = int.from_bytes(self.data[2:10], "big"), 10
            if len(self.data) < at + length:
                return None
            first, payload = self.data[0], bytes(self.data[at:at + length])
            del self.data[:at + length]
            kind = first & 0x0f
            if kind == PING:
                self.send(PONG, payload)
            elif kind == CLOSE:
                raise OSError("the monitor has closed the connection")
            elif kind != PONG:
                if kind:
                    self.kind = kind
                self.parts.append(payload)
                if first & 0x80:
                    message, self.parts = b"".join(self.parts), []
                    return self.kind, message
        return None

    def _read(self):
        more = self.connection.recv(1 << 16)
        if not more:
            raise OSError("the connection is closed")
        self.data += more

    def drain(self):
        """Takes what has come without waiting for more than one read; the messages."""
        self._read()
        messages = []
        while (message := self.next()) is not None:
            messages.append(message)
        return messages


class Viewers:
    """Viewers of one address in a process of their own, so that what they take is not counted as the monitor's."""

    def __init__(self, port, path, count):
        self.process = subprocess.Popen([sys.executable, os.path.realpath(__file__), str(port), path, str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline().strip() != "ready":
            raise OSError(f"{count} viewers of {path} do not come in")

    def counts(self):
        """Binary messages that each has got, and the number of those whose connection is gone."""
        self.process.stdin.write("counts\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer["counts"], answer["lost"]

    def kill(self):
        self.process.kill()
        self.process.wait()


def view(port, path, count):
    choice, counts, lost = selectors.DefaultSelector(), [0] * count, 0
    sockets = [WebSocket(port, path) for _ in range(count)]
    for i, one in enumerate(sockets):
        one.connection.setblocking(True)
        choice.register(one.connection, selectors.EVENT_READ, i)
    choice.register(sys.stdin, selectors.EVENT_READ, None)
    print("ready", flush=True)
    while True:
        for key, _ in choice.select():
            if key.data is None:
                if not sys.stdin.readline():
                    return
                print(json.dumps({"counts": counts, "lost": lost}), flush=True)
                continue
            try:
                counts[key.data] += sum(kind == BINARY for kind, _ in sockets[key.data].drain())
            except OSError:
                choice.unregister(key.fileobj)
                lost += 1


class Browser:
    """Debian's Chromium without a window."""

    def __init__(self, folder):
        self.process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--autoplay-policy=no-user-gesture-required", f"--user-data-dir={folder}",
             "--remote-debugging-port=0", "--window-size=1280,800", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        where = os.path.join(folder, "DevToolsActivePort")
        for _ in range(600):
            if os.path.exists(where) and len(lines := open(where).read().split()) == 2:
                break
            time.sleep(0.1)
        else:
            raise OSError("Chromium does not start")
        self.socket, self.number = WebSocket(int(lines[0]), lines[1]), 0

    def call(self, method, session=None, **parameters):
        self.number += 1
        asked = {"id": self.number, "method": method, "params": parameters, **({"sessionId": session} if session else {})}
        self.socket.send(TEXT, json.dumps(asked).encode())
        while True:
            answer = json.loads(self.socket.receive()[1])
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise OSError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def open(self, address, script=None):
        """Opens an address in a window of its own, so that nothing hides it; the page's session. A script runs before those of the page."""
        # A window of 1280x800 with all of it in sight, as people look at it.
        target = self.call("Target.createTarget", url="about:blank", newWindow=True)["targetId"]
        page = Page(self, target, self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])
        self.call("Page.enable", page.session)
        self.call("Network.enable", page.session)
        self.call("Network.setCacheDisabled", page.session, cacheDisabled=True)
        if script:
            self.call("Page.addScriptToEvaluateOnNewDocument", page.session, source=script)
        self.call("Page.navigate", page.session, url=address)
        return page

    def cores(self):
        """Processor seconds of all of its processes so far."""
        total = 0
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.getpgid(int(name)) == self.process.pid:
                    total += processor(int(name))
            except OSError:
                pass
        return total

    def kill(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


class Page:
    def __init__(self, browser, target, session):
        self.browser, self.target, self.session = browser, target, session

    def evaluate(self, expression):
        answer = self.browser.call("Runtime.evaluate", self.session, expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise OSError(f"the page: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def until(self, expression, seconds):
        """Waits until an expression is true; its value, or None."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if (value := self.evaluate(expression)):
                return value
            time.sleep(0.1)
        return None

    def picture(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.browser.call("Page.captureScreenshot", self.session)["data"]))

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)


def processor(pid):
    """Processor seconds of a process so far."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    view(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
