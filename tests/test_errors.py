"""Errors say what to do, and warnings stand at the user's line."""

from __future__ import annotations

import warnings

import pytest

import dxnotebook as dx
from dxnotebook import errors
from tests.conftest import job, page_of


def test_all_errors_and_warnings_have_one_base_each():
    for name in dx.__all__:
        kind = getattr(dx, name)
        if isinstance(kind, type) and issubclass(kind, Exception):
            assert issubclass(kind, dx.DxWarning if issubclass(kind, Warning) else dx.DxError)


def test_an_interrupt_is_both_an_error_and_an_interrupt():
    assert issubclass(dx.LoadInterrupted, dx.LoadError)
    assert issubclass(dx.LoadInterrupted, KeyboardInterrupt)
    assert dx.LoadError("x", partial=5).partial == 5


def test_a_missing_library_comes_with_its_install_command():
    error = errors.MissingDependencyError("Archive", "deltalake", "archive")
    assert str(error) == (
        "Archive needs deltalake. Install it with: python -m pip install 'dxnotebook[archive]'"
    )
    assert isinstance(error, ImportError)


def test_invalid_names_the_parameter_the_value_and_what_is_valid():
    error = errors.invalid("every", "x", "is a length such as '1d'")
    assert type(error) is dx.DxError
    assert str(error) == "Invalid every: 'x'. Valid is a length such as '1d'."


def test_a_warning_points_to_the_line_that_called_the_package():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        dx.read_jobs(page_of(job(1, New=5)))
    assert [warning.filename for warning in caught] == [__file__]
    with pytest.warns(dx.DataWarning, match="odd"):
        errors.warn("odd", dx.DataWarning)


def test_texts_are_one_or_several():
    assert errors.texts("by", "a") == ["a"]
    assert errors.texts("by", ("a", "b", "a")) == ["a", "b"]
    for wrong in (5, ["a", None]):
        with pytest.raises(dx.DxError, match="Invalid by: "):
            errors.texts("by", wrong)
