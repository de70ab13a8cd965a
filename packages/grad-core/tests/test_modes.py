"""no_grad, enable_grad, inference_mode: as blocks, as decorators, nested, in threads, and after errors."""

import threading
from typing import Any

import grad_core as gd
import pytest


def tracks() -> bool:
    return (gd.ones(1, requires_grad=True) * 2).requires_grad


@pytest.mark.parametrize(("mode", "wanted"), [(gd.no_grad, False), (gd.inference_mode, False), (gd.enable_grad, True)])
def test_block_and_decorator(mode: Any, wanted: bool) -> None:
    with mode():
        assert tracks() is gd.is_grad_enabled() is wanted
    assert mode()(tracks)() is wanted
    assert tracks()


def test_nesting_and_reuse() -> None:
    off = gd.no_grad()
    with off:
        with gd.enable_grad():
            assert tracks()
            with off:
                assert not tracks()
            assert tracks()
        assert not tracks()
    assert tracks()


def test_an_error_puts_the_mode_back() -> None:
    with pytest.raises(ZeroDivisionError), gd.no_grad():
        1 / 0  # noqa: B018
    assert tracks()


def test_a_decorated_function_may_call_itself() -> None:
    @gd.no_grad()
    def down(n: int) -> bool:
        return tracks() or (n > 0 and down(n - 1)) or gd.is_grad_enabled()

    assert down(5) is False
    assert tracks()


def test_modes_belong_to_their_thread() -> None:
    seen: dict[str, bool] = {}
    with gd.no_grad():
        thread = threading.Thread(target=lambda: seen.update(inside=tracks()))
        thread.start()
        thread.join()
        assert not tracks()
    assert seen == {"inside": True}


def test_leaves_made_under_no_grad_may_require_grad() -> None:
    with gd.no_grad():
        x = gd.ones(2, requires_grad=True)
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_frozen_parameters_get_nothing() -> None:
    x, w = gd.ones(2, requires_grad=True), gd.ones(2, requires_grad=True)
    w.requires_grad = False
    (x * w).sum().backward()
    assert x.grad is not None
    assert w.grad is None
