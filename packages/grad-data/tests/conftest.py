"""Small archives in idx format, and a server on loopback that can misbehave in every way a mirror does."""

import gzip
import hashlib
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from grad_data._download import Policy
from grad_data._idx import Archive
from grad_data._store import Collection

QUICK = Policy(timeout=0.4, patience=1.2, attempts=2, backoff=0.01, lowest_rate=16_384)


def idx_bytes(array):
    head = bytes((0, 0, 8, array.ndim)) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return head + array.tobytes()


def packed(name, content, shape, **changes):
    """An archive of `content` and its true description, with deliberate changes to the latter."""
    raw = gzip.compress(content, mtime=0)
    facts = {
        "name": name,
        "size": len(raw),
        "sha256": hashlib.sha256(raw).hexdigest(),
        "content_sha256": hashlib.sha256(content).hexdigest(),
        "shape": shape,
    }
    return raw, Archive(**(facts | changes))


class Tiny:
    """A data set of the form of MNIST: 7 images to train on, 3 to test on."""

    def __init__(self):
        rng = np.random.default_rng(5)
        self.arrays, self.raw, archives = {}, {}, []
        for part, count in (("train", 7), ("t10k", 3)):
            for what, shape, top in (("images-idx3", (count, 28, 28), 255), ("labels-idx1", (count,), 9)):
                name = f"{part}-{what}-ubyte.gz"
                array = rng.integers(0, top + 1, shape, dtype=np.uint8)
                self.arrays[name] = array
                self.raw[name], archive = packed(name, idx_bytes(array), shape, highest=top)
                archives.append(archive)
        self.archives = tuple(archives)
        self.names = [archive.name for archive in archives]

    def collection(self, *mirrors, policy=QUICK):
        return Collection("MNIST", "mnist", self.archives, mirrors, policy)

    def fill(self, folder, names=None):
        folder.mkdir(parents=True, exist_ok=True)
        for name in names or self.names:
            (folder / name).write_bytes(self.raw[name])
        return folder


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        prefix, _, name = self.path.removeprefix("/").partition("/")
        self.server.requests[self.path] += 1
        self.server.answers[prefix](self, name)

    def answer(self, body, status=200, **headers):
        self.send_response(status)
        for key, value in ({"Content_Length": str(len(body))} | headers).items():
            if value is not None:
                self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    """`answers` maps the first part of an address to a function of (handler, file name)."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = {}
        self.requests = Counter()
        self.released = threading.Event()

    def handle_error(self, request, client_address):
        pass  # a client that hangs up early is what some tests are about

    def mirror(self, prefix, answer):
        self.answers[prefix] = answer
        return f"http://127.0.0.1:{self.server_port}/{prefix}/"


@pytest.fixture
def tiny():
    return Tiny()


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of this test's own, and no other place to find data in."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("GRAD_DATA_HOME", raising=False)
    return tmp_path / "cache" / "grad" / "mnist"


@pytest.fixture
def pack():
    return packed


@pytest.fixture
def idx():
    return idx_bytes
