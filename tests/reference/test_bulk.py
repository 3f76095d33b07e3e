"""Bulk lines against the servers' own Python clients, which post to a server in this process.

The client sends our lines as they stand, and we read what the client's own helper sends. What a server does
with them is not seen here.
"""

import importlib
import json
import random
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest

from vizsla.core.protocols import Passage
from vizsla.data.formats import bulk
from vizsla.data.formats.bulk import BulkFields, BulkRecord
from vizsla.data.problems import Problems

FIELDS = BulkFields(index="dogs")
CLIENTS = ("elasticsearch", "opensearchpy")


class Server(ThreadingHTTPServer):
    """Answers every bulk request as if all of it were indexed, and keeps what was posted."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.posted: list[tuple[str, bytes]] = []


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        cast("Server", self.server).posted.append((self.path, body))
        actions = [json.loads(line) for line in body.splitlines()[::2]]
        items = [{"index": {"_id": one["index"]["_id"], "status": 201}} for one in actions]
        self.answer({"took": 1, "errors": False, "items": items})

    def do_PUT(self) -> None:
        self.do_POST()

    def answer(self, values: dict[str, Any]) -> None:
        text = json.dumps(values).encode()
        self.send_response(200)
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest, server: Server) -> Iterator[tuple[Any, Any]]:
    """A client and its module of helpers."""
    package = pytest.importorskip(request.param, reason=f"the client {request.param} is not installed")
    made = getattr(package, {"elasticsearch": "Elasticsearch", "opensearchpy": "OpenSearch"}[request.param])
    opened = made(f"http://127.0.0.1:{server.server_address[1]}")
    yield opened, importlib.import_module(f"{request.param}.helpers")
    opened.close()


@pytest.fixture(scope="module")
def records() -> list[BulkRecord]:
    drawn = random.Random(0)
    return [
        BulkRecord(
            Passage(f"p/{number} é", '两行\n"text" \u2028 😀' if number % 3 else "", "标题" if number % 2 else ""),
            {f"t{term}": drawn.uniform(0.001, 5) for term in range(1, drawn.randrange(2, 9))} if number % 5 else None,
            [drawn.gauss(0, 1) for _ in range(4)] if number % 3 == 0 else None,
        )
        for number in range(60)
    ]


@pytest.fixture
def ours(records: list[BulkRecord], tmp_path: Path) -> Path:
    assert bulk.write(tmp_path / "ours.ndjson", records, fields=FIELDS) == len(records)
    return tmp_path / "ours.ndjson"


def pairs(body: bytes) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    lines = [json.loads(line) for line in body.split(b"\n") if line]
    return list(zip(lines[::2], lines[1::2], strict=True))


def test_the_client_sends_our_lines(client: tuple[Any, Any], server: Server, ours: Path) -> None:
    lines = ours.read_bytes().decode().split("\n")[:-1]
    name = "operations" if type(client[0]).__name__ == "Elasticsearch" else "body"
    answer = client[0].bulk(**{name: lines})
    assert not answer["errors"]
    assert len(answer["items"]) == len(lines) // 2
    (posted,) = server.posted
    assert posted[0] == "/_bulk"
    assert pairs(posted[1]) == pairs(ours.read_bytes())


def test_we_read_what_the_clients_helper_sends(
    client: tuple[Any, Any], server: Server, ours: Path, records: list[BulkRecord], tmp_path: Path
) -> None:
    opened, helpers = client
    actions = [
        {"_index": action["index"]["_index"], "_id": action["index"]["_id"], "_source": source}
        for action, source in pairs(ours.read_bytes())
    ]
    assert helpers.bulk(opened, actions, chunk_size=25) == (len(records), [])
    assert len(server.posted) == 3
    theirs = tmp_path / "theirs.ndjson"
    theirs.write_bytes(b"".join(body for _, body in server.posted))
    problems = Problems(strict=True)
    assert [record for record, _ in bulk.read(theirs, fields=FIELDS, problems=problems)] == records
