"""A server that speaks the hub's protocol: listings, HEAD and GET of files, etags, redirects, ranges, and faults."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = (".safetensors", ".bin", ".onnx", ".onnx_data")


@dataclass
class Hub:
    """What is published, what goes wrong, and what was asked."""

    models: dict[str, dict[str, bytes]]
    commit: str = COMMIT
    extra: list[str] = field(default_factory=list)  # names that a listing has without a file
    drop_after: int = 0  # bytes of the first large answer before the connection breaks
    altered: bool = False  # large files come otherwise than their etag says
    gated: bool = False
    down: bool = False
    asked: list[tuple[str, str, str]] = field(default_factory=list)  # method, path, range
    address: str = ""

    def paths(self, method: str) -> list[str]:
        return [path for verb, path, _ in self.asked if verb == method]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    class Handler(_Answers):
        served = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Answers(BaseHTTPRequestHandler):
    served: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.served.asked.append((self.command, path, self.headers.get("Range", "")))
        if self.served.down:
            self._send(503, b"", {})
        elif path.startswith("/api/models/"):
            self._listing(path)
        elif path.startswith("/blobs/"):
            self._blob(path.removeprefix("/blobs/"))
        else:
            self._file(path)

    def _listing(self, path: str) -> None:
        model, _, revision = path.removeprefix("/api/models/").partition("/revision/")
        if model not in self.served.models:
            self._send(404, b"", {"X-Error-Code": "RepoNotFound"})
        elif revision not in ("main", self.served.commit):
            self._send(404, b"", {"X-Error-Code": "RevisionNotFound"})
        else:
            siblings = [self._sibling(*each) for each in self.served.models[model].items()]
            siblings += [{"rfilename": name} for name in self.served.extra]
            content = json.dumps({"id": model, "sha": self.served.commit, "siblings": siblings}).encode()
            self._send(200, content, {"Content-Type": "application/json"})

    def _sibling(self, name: str, content: bytes) -> dict[str, object]:
        listed: dict[str, object] = {"rfilename": name, "size": len(content), "blobId": git_sha1(content)}
        lfs = {"sha256": sha256(content), "size": len(content), "pointerSize": 134}
        return listed | ({"lfs": lfs} if name.endswith(LARGE) else {})

    def _file(self, path: str) -> None:
        model, _, rest = path.removeprefix("/").partition("/resolve/")
        revision, _, name = rest.partition("/")
        content = self.served.models.get(model, {}).get(name)
        if self.served.gated:
            self._send(401, b"", {"X-Error-Code": "GatedRepo"})
        elif content is None or revision != self.served.commit:
            self._send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": self.served.commit})
        elif name.endswith(LARGE):
            linked = {"X-Linked-Etag": f'"{sha256(content)}"', "X-Linked-Size": str(len(content))}
            store = self.served.address.replace("127.0.0.1", "localhost")  # another host, as large files have
            location = {"Location": f"{store}/blobs/{model}/{name}", "X-Repo-Commit": revision}
            self._send(302, b"", linked | location)
        else:
            self._send(200, content, {"ETag": f'"{git_sha1(content)}"', "X-Repo-Commit": revision})

    def _blob(self, path: str) -> None:
        owner, name, file = path.split("/", 2)
        content = self.served.models[f"{owner}/{name}"][file]
        if self.served.altered:
            content = content[:-1] + bytes([content[-1] ^ 1])
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        ranged = (
            {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if "Range" in self.headers else {}
        )
        self._send(206 if ranged else 200, content[start:], ranged | {"Accept-Ranges": "bytes"})

    def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.path.startswith("/blobs/") and self.served.drop_after:
            content, self.served.drop_after = content[: self.served.drop_after], 0
            self.close_connection = True
        self.wfile.write(content)
