"""What mirrors can do wrong. The answers are functions of (handler, file name), run in the server's threads."""

import gzip
import queue
import socket
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from grad_data import _download
from grad_data._download import MirrorsFailedError, Policy, fetch
from grad_data._idx import decode

QUICK = Policy(timeout=0.4, patience=1.2, attempts=2, backoff=0.01, lowest_rate=16_384)


def get(archive, *mirrors, policy=QUICK):
    return fetch(archive, mirrors, policy, lambda: None)


def reason(archive, mirror, policy=QUICK):
    with pytest.raises(MirrorsFailedError) as caught:
        get(archive, mirror, policy=policy)
    return caught.value.reasons[mirror]


@pytest.fixture
def archive(tiny):
    return tiny.archives[0]


@pytest.fixture
def raw(tiny, archive):
    return tiny.raw[archive.name]


@pytest.fixture
def good(server, tiny):
    return server.mirror("good", lambda handler, name: handler.answer(tiny.raw[name]))


def test_a_good_mirror_is_asked_once(server, good, archive, raw):
    found, array = get(archive, good)
    assert found == raw
    assert np.array_equal(array, decode(raw, archive))
    assert server.requests == {f"/good/{archive.name}": 1}


def hang(handler, name):
    handler.server.released.wait(5)


def drip_header(handler, name):
    handler.wfile.write(b"HTTP/1.0 200 OK\r\n")
    while not handler.server.released.wait(0.05):
        handler.wfile.write(b"X: y\r\n")


def drip_body(handler, name):
    handler.answer(b"\x1f", Content_Length=None)
    while not handler.server.released.wait(0.05):
        handler.wfile.write(b"\x8b")


def stop_in_the_middle(handler, name):
    handler.answer(b"\x1f\x8b\x08\x00", Content_Length=None)
    handler.server.released.wait(5)


def endless(handler, name):
    handler.answer(b"\x1f\x8b", Content_Length=None)
    while True:
        handler.wfile.write(bytes(65_536))


def no_http(handler, name):
    handler.wfile.write(b"\x00\x01 this is not HTTP\r\n\r\n")


def hang_up(handler, name):
    handler.connection.close()


def redirect_to(address):
    return lambda handler, name: handler.answer(b"", 302, Location=address)


BOMB = gzip.compress(bytes(50_000_000), mtime=0)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda handler, name: handler.answer(b"gone", 404), "it answered 404 Not Found"),
        (lambda handler, name: handler.answer(b"busy", 503), "it answered 503 Service Unavailable"),
        (
            lambda handler, name: handler.answer(b"<html>Log in", Content_Type="text/html; charset=utf-8"),
            "an HTML page",
        ),
        (lambda handler, name: handler.answer(b"x" * 20), "it announced 20 bytes, the archive has "),
        (lambda handler, name: handler.answer(b"", Content_Length="9" * 30), "it announced 999,999,"),
        (lambda handler, name: handler.answer(BOMB), "it announced 48,"),
        (lambda handler, name: handler.answer(b"<html>Log in", Content_Length=None), "it is cut short: 12 of"),
        (lambda handler, name: handler.answer(b"", Content_Length=None), "it is cut short: 0 of"),
        (endless, "it is longer than the "),
        (hang, "no answer "),
        (drip_header, "no answer within 0."),
        (drip_body, "bytes when the time was up"),
        (stop_in_the_middle, "after 4 bytes: no answer in time"),
        (no_http, "this is not HTTP"),
        (hang_up, "Remote end closed connection without response"),
        (redirect_to("http://example.org/mnist/"), "refused to open http://example.org/mnist/: only HTTPS is trusted"),
        (redirect_to("file:///data/x"), "'file:///data/x' is not allowed"),
        (redirect_to("/bad/again"), "it answered 302 "),
    ],
)
def test_a_bad_mirror_is_given_up_in_time_and_the_next_one_used(server, good, archive, raw, answer, expected):
    bad = server.mirror("bad", answer)
    start = time.monotonic()
    assert expected in reason(archive, bad)
    assert time.monotonic() - start < QUICK.patience + 1
    assert get(archive, bad, good)[0] == raw


@pytest.mark.parametrize("change", ["header", "middle", "end"])
def test_wrong_bytes_of_the_right_length_are_refused(server, archive, raw, change):
    place = {"header": 0, "middle": len(raw) // 2, "end": len(raw) - 1}[change]
    wrong = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
    mirror = server.mirror("wrong", lambda handler, name: handler.answer(wrong))
    assert reason(archive, mirror).startswith(("the SHA-256 of its archive is", "it is not a gzip archive"))


def test_half_an_archive_is_refused_and_fetched_again(server, tiny, archive, raw):
    def half_at_first(handler, name):
        first = handler.server.requests[handler.path] == 1
        handler.answer(raw[: len(raw) // 2] if first else raw, Content_Length=str(len(raw)))

    assert get(archive, server.mirror("flaky", half_at_first))[0] == raw
    assert server.requests.total() == 2


def test_a_redirect_to_an_allowed_address_is_followed(server, good, archive, raw):
    moved = server.mirror("moved", lambda handler, name: handler.answer(b"", 301, Location=good + name))
    assert get(archive, moved)[0] == raw


def test_each_mirror_is_tried_in_every_round_with_growing_pauses(server, archive, monkeypatch):
    pauses = []
    monkeypatch.setattr(_download.time, "sleep", pauses.append)
    mirrors = [server.mirror(prefix, lambda handler, name: handler.answer(b"", 500)) for prefix in "ab"]
    with pytest.raises(MirrorsFailedError) as caught:
        get(archive, *mirrors, policy=replace(QUICK, attempts=4, backoff=0.1))
    assert list(caught.value.reasons) == mirrors
    assert set(server.requests.values()) == {4}
    assert pauses == pytest.approx([0.1, 0.2, 0.4])


def test_a_slow_download_that_makes_progress_outlives_the_patience(server, archive, raw):
    def steady(handler, name):
        handler.answer(b"", Content_Length=str(len(raw)))
        for start in range(0, len(raw), len(raw) // 8):
            handler.wfile.write(raw[start : start + len(raw) // 8])
            time.sleep(0.05)

    policy = replace(QUICK, timeout=0.2, patience=0.2, attempts=1, lowest_rate=len(raw) / 2)
    start = time.monotonic()
    assert get(archive, server.mirror("steady", steady), policy=policy)[0] == raw
    assert time.monotonic() - start > policy.patience


def test_no_network_at_all(archive):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{unused.getsockname()[1]}/"
    assert "refused" in reason(archive, closed)


def test_looking_up_a_name_forever_does_not_hang(archive, monkeypatch):
    released = threading.Event()

    def lookup(*args, **kwargs):
        released.wait(5)
        raise socket.gaierror("late")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    start = time.monotonic()
    found = reason(archive, "https://mirror.invalid/")
    released.set()
    assert found.startswith("no answer within ")
    assert time.monotonic() - start < QUICK.patience + 0.5


def test_a_response_that_comes_too_late_is_closed(server, archive, raw, monkeypatch):
    opened = queue.SimpleQueue()
    real = _download._opener

    class SlowOpener:
        def __init__(self, url):
            self.inner = real(url)

        def open(self, url, timeout):
            time.sleep(0.3)
            response = self.inner.open(url, timeout=timeout)
            opened.put(response)
            return response

    monkeypatch.setattr(_download, "_opener", SlowOpener)
    mirror = server.mirror("good", lambda handler, name: handler.answer(raw))
    assert "no answer within 0.1 s" in reason(archive, mirror, policy=replace(QUICK, timeout=0.1, attempts=1))
    response = opened.get(timeout=5)
    until = time.monotonic() + 5
    while not response.closed and time.monotonic() < until:
        time.sleep(0.01)
    assert response.closed


@pytest.mark.parametrize(
    "mirror",
    ["http://example.org/", "ftp://127.0.0.1/", "file:///data/", "http://127.0.0.1.example.org/", "http://10.0.0.1/"],
)
def test_only_https_is_spoken_to_other_machines(archive, mirror):
    assert reason(archive, mirror) == f"refused to open {mirror}{archive.name}: only HTTPS is trusted"


def test_https_never_redirects_down_to_http_not_even_to_this_machine():
    class Closed:
        closed = False

        def close(self):
            self.closed = True

    body = Closed()
    request = _download.urllib.request.Request("https://example.org/a")
    with pytest.raises(_download._AttemptError, match="only HTTPS is trusted"):
        _download._SafeRedirects().redirect_request(request, body, 302, "Found", {}, "http://127.0.0.1/a")
    assert body.closed


def test_a_proxy_is_not_asked_for_this_machine(good, archive, raw, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1/")
    assert get(archive, good)[0] == raw


def test_where_no_thread_can_be_started_there_is_no_network(archive, monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert reason(archive, "https://mirror.invalid/") == "can't start new thread"


def test_signs_of_life_come_with_the_bytes(good, archive, raw):
    signs = []
    fetch(archive, (good,), QUICK, lambda: signs.append(1))
    assert len(signs) >= 2
