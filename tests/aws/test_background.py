"""Works in the background: their results in order, how many at once, what is not begun."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from dxnotebook.aws.background import in_background


def test_results_come_in_order_and_errors_where_they_are_waited_for():
    works = [partial(divmod, 7, number) for number in (3, 0, 2)]
    first, second, third = in_background(works, 2)
    assert (first.result(), third.result()) == ((2, 1), (3, 1))
    with pytest.raises(ZeroDivisionError):
        second.result()


def test_only_so_many_are_begun_and_cancelled_ones_never():
    go, began = threading.Event(), []

    def work(number):
        began.append(number)
        assert threading.current_thread().daemon
        return go.wait(5)

    futures = in_background([partial(work, number) for number in range(6)], 2)
    assert all(future.cancel() for future in futures[2:5])
    go.set()
    assert [futures[n].result(5) for n in (0, 1, 5)] == [True] * 3
    assert sorted(began) == [0, 1, 5]
