"""Fetch one archive from the first mirror that delivers it, in bounded time, whatever the mirrors do.

Three things keep the time bounded. Every wait (for a name, a connection, a header, more bytes) ends after
`Policy.timeout`. The number of attempts is limited. And there are clocks, one for each attempt that starts with
`timeout` seconds and one for all of them together that starts with `patience` seconds: only bytes that arrive add to
them. So a machine without a network is known after `patience` seconds at the latest, a mirror that drips a byte now and
then does not use up the time of the next one, while a slow but steady download may take as long as it needs.
"""

import hashlib
import http.client
import ipaddress
import queue
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from grad_data._bundle import Bundle
from grad_data._errors import CorruptDataError
from grad_data._idx import Archive, decode

__all__ = ["MirrorsFailedError", "Policy", "fetch", "fetch_bundle"]

_CHUNK = 1 << 16
_USER_AGENT = "grad-data (https)"


@dataclass(frozen=True)
class Policy:
    """How long and how often to try.

    Attributes:
        timeout: seconds for any single wait, and for one attempt, not counting what bytes earn.
        patience: seconds for one archive over all mirrors and attempts, not counting what bytes earn.
        attempts: rounds over all mirrors.
        backoff: seconds before the second round; doubles before each further one.
        lowest_rate: how many bytes earn one second.
    """

    timeout: float = 4.0
    patience: float = 10.0
    attempts: int = 3
    backoff: float = 0.5
    lowest_rate: float = 8_192.0


class MirrorsFailedError(Exception):
    """No mirror delivered; `reasons` maps each one to the last thing that went wrong with it."""

    def __init__(self, reasons: dict[str, str]) -> None:
        super().__init__("no mirror delivered")
        self.reasons = reasons


class _AttemptError(Exception):
    """One attempt at one mirror failed; the text is a reason for the user."""


class _Clock:
    def __init__(self, patience: float, rate: float) -> None:
        self._end = time.monotonic() + patience
        self._rate = rate

    def left(self) -> float:
        return self._end - time.monotonic()

    def earn(self, count: int) -> None:
        self._end += count / self._rate


Fetched = tuple[bytes, NDArray[np.uint8]]
_Result = TypeVar("_Result")


def fetch(archive: Archive, mirrors: tuple[str, ...], policy: Policy, alive: Callable[[], None]) -> Fetched:
    """Return the verified bytes of `archive`, and the array inside.

    Args:
        archive: what to fetch; the bytes are returned only if everything in it holds.
        mirrors: addresses of folders, each ending in a slash. HTTPS, or plain HTTP on this very machine.
        policy: limits of time and effort.
        alive: called now and then while there is progress.

    Raises:
        MirrorsFailedError: with a reason for every mirror.
    """

    def attempt(mirror: str, clock: _Clock) -> Fetched:
        raw = bytearray()
        _attempt(mirror + archive.name, archive.size, archive.limit, policy, clock, alive, raw.extend)
        return bytes(raw), decode(bytes(raw), archive)

    return _from_any(mirrors, policy, alive, attempt)


def fetch_bundle(
    bundle: Bundle, mirrors: tuple[str, ...], policy: Policy, alive: Callable[[], None], file: IO[bytes]
) -> None:
    """Write the verified bytes of `bundle` to `file`, piece by piece: it may be larger than the memory.

    Raises:
        MirrorsFailedError: with a reason for every mirror.
        OSError: the file cannot be written.
    """

    def attempt(mirror: str, clock: _Clock) -> None:
        file.seek(0)
        file.truncate()
        digest = hashlib.sha256()

        def keep(chunk: bytes) -> None:
            file.write(chunk)
            digest.update(chunk)

        count = _attempt(mirror + bundle.name, bundle.size, bundle.size, policy, clock, alive, keep)
        bundle.check(count, digest.hexdigest())

    _from_any(mirrors, policy, alive, attempt)


def _from_any(
    mirrors: tuple[str, ...], policy: Policy, alive: Callable[[], None], attempt: Callable[[str, _Clock], _Result]
) -> _Result:
    clock = _Clock(policy.patience, policy.lowest_rate)
    reasons = dict.fromkeys(mirrors, "not tried, the time was up")
    for number in range(policy.attempts):
        if number:
            time.sleep(max(0.0, min(policy.backoff * 2 ** (number - 1), clock.left())))
        for mirror in mirrors:
            if clock.left() <= 0:
                raise MirrorsFailedError(reasons)
            alive()
            try:
                return attempt(mirror, clock)
            except (_AttemptError, CorruptDataError) as error:
                reasons[mirror] = str(error)
    raise MirrorsFailedError(reasons)


def _attempt(
    url: str,
    size: int | None,
    limit: int,
    policy: Policy,
    clock: _Clock,
    alive: Callable[[], None],
    keep: Callable[[bytes], Any],
) -> int:
    """Hand the bytes at `url` to `keep`, one more than `limit` at the most; returns how many they were."""
    count = 0
    with _open(url, min(policy.timeout, clock.left())) as response:
        own_clock = _Clock(policy.timeout, policy.lowest_rate)
        announced = response.headers.get("Content-Length", "")
        if "html" in response.headers.get("Content-Type", ""):
            raise _AttemptError("it answered with an HTML page (a log-in page of this network?), not with the archive")
        if announced.isdecimal() and (int(announced) > limit or int(announced) != (size or int(announced))):
            has = f"has at most {limit:,}" if size is None else f"has {size:,}"
            raise _AttemptError(f"it announced {int(announced):,} bytes, the archive {has}")
        while count <= limit:
            try:
                chunk = response.read1(min(_CHUNK, limit + 1 - count))
            except (OSError, http.client.HTTPException) as error:
                raise _AttemptError(f"after {count:,} bytes: {_reason(error)}") from None
            if not chunk:
                break
            keep(chunk)
            count += len(chunk)
            alive()
            for each in (clock, own_clock):
                each.earn(len(chunk))
            if min(clock.left(), own_clock.left()) <= 0:
                total = f"{limit:,}" if size is None else f"{size:,}"
                raise _AttemptError(f"too slow: {count:,} of {total} bytes when the time was up")
    return count


def _open(url: str, timeout: float) -> http.client.HTTPResponse:
    """Open `url` within `timeout` seconds in all.

    The socket's own timeout covers neither looking up a name nor a server that sends its header drop by drop, nor
    several addresses tried in turn. So a thread does the opening, and is left to itself when it takes too long.
    """
    _check_address(url, loopback=True)
    box: queue.SimpleQueue[http.client.HTTPResponse | Exception] = queue.SimpleQueue()
    abandoned = threading.Event()

    def work() -> None:
        try:
            box.put(_opener(url).open(url, timeout=timeout))
        except (OSError, http.client.HTTPException, ValueError, _AttemptError) as error:
            box.put(error)
        if abandoned.is_set():
            _discard(box)

    try:
        threading.Thread(target=work, name="grad-data download", daemon=True).start()
    except RuntimeError as error:  # no threads in a browser
        raise _AttemptError(str(error)) from None
    try:
        result = box.get(timeout=timeout)
    except queue.Empty:
        abandoned.set()
        _discard(box)
        raise _AttemptError(f"no answer within {timeout:.1f} s") from None
    if isinstance(result, http.client.HTTPResponse):
        return result
    if isinstance(result, urllib.error.HTTPError):
        result.close()
    raise _AttemptError(_reason(result))


def _discard(box: "queue.SimpleQueue[http.client.HTTPResponse | Exception]") -> None:
    """Close a response that came too late, from whichever side finds it."""
    try:
        late = box.get_nowait()
    except queue.Empty:
        return
    if isinstance(late, http.client.HTTPResponse | urllib.error.HTTPError):
        late.close()


def _opener(url: str) -> urllib.request.OpenerDirector:
    handlers: list[urllib.request.BaseHandler] = [_SafeRedirects()]
    if _is_loopback(url):
        handlers.append(urllib.request.ProxyHandler({}))  # a proxy cannot reach this machine's own server
    opener = urllib.request.build_opener(*handlers)
    opener.addheaders = [("User-Agent", _USER_AGENT)]
    return opener


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only to an address that would be allowed as a mirror, and never from HTTPS down to HTTP."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        try:
            _check_address(newurl, loopback=req.type == "http")
        except _AttemptError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check_address(url: str, *, loopback: bool) -> None:
    scheme = urllib.parse.urlsplit(url).scheme
    if scheme != "https" and not (loopback and scheme == "http" and _is_loopback(url)):
        raise _AttemptError(f"refused to open {url}: only HTTPS is trusted")


def _is_loopback(url: str) -> bool:
    host = urllib.parse.urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reason(error: Exception) -> str:
    """A reason a reader understands, out of whatever the network code raised."""
    if isinstance(error, _AttemptError):
        return str(error)
    if isinstance(error, urllib.error.HTTPError):
        return f"it answered {error.code} {error.reason}"
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    return str(cause) or type(cause).__name__
