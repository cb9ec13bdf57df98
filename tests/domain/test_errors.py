from __future__ import annotations

import importlib
import pickle
import pkgutil
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

import backstay
from backstay.domain.errors import ERRORS, BackstayError, ExitCode
from backstay.flows.codec import RecordCodec

EXIT_CODES = {
    "error": 1,
    "source": 1,
    "engine": 1,
    "machine": 1,
    "catalog": 1,
    "cancelled": 1,
    "config": 2,
    "refused": 4,
    "unavailable": 5,
    "not_admitted": 5,
    "damaged": 6,
    "impossible": 7,
    "bug": 70,
}

words = st.none() | st.text()
details = st.fixed_dictionaries({"subject": words, "hint": words, "path": words, "line": st.none() | st.integers()})
kinds = st.sampled_from(sorted(ERRORS))


def subclasses(cls: type[BackstayError]) -> Iterator[type[BackstayError]]:
    for child in cls.__subclasses__():
        yield child
        yield from subclasses(child)


def parts(error: BackstayError) -> tuple[object, ...]:
    return type(error), error.args, error.message, error.details()


@given(kinds, st.text(), details)
def test_every_error_survives_a_pickle_with_all_its_details(
    code: str, message: str, given_details: dict[str, object]
) -> None:
    error = ERRORS[code](message, **given_details)  # type: ignore[arg-type]  # drawn with the right types
    assert parts(pickle.loads(pickle.dumps(error))) == parts(error)


@given(kinds, st.text(), details)
def test_every_error_survives_a_durable_row_with_all_its_details(
    code: str, message: str, given_details: dict[str, object]
) -> None:
    error = ERRORS[code](message, **given_details)  # type: ignore[arg-type]  # drawn with the right types
    codec = RecordCodec()
    assert parts(codec.deserialize(codec.serialize(error))) == parts(error)


def test_an_error_needs_nothing_but_its_message() -> None:
    for cls in ERRORS.values():
        error = cls("the disk is full")
        assert str(error) == error.message == "the disk is full"
        assert not any(error.details().values())


def test_every_error_that_leaves_its_module_is_listed_under_its_own_code() -> None:
    for module in pkgutil.walk_packages(backstay.__path__, "backstay."):
        if ".migrations" not in module.name:  # those are run by alembic and by nothing else
            importlib.import_module(module.name)
    ours = [cls for cls in subclasses(BackstayError) if cls.__module__.startswith("backstay.")]
    public = {cls for cls in ours if not cls.__name__.startswith("_")}
    assert set(ERRORS.values()) == public | {BackstayError}
    assert all("code" in vars(cls) and ERRORS[cls.code] is cls for cls in ERRORS.values())


@pytest.mark.parametrize(("code", "exit_code"), EXIT_CODES.items())
def test_an_error_ends_in_the_exit_code_of_who_acts_next(code: str, exit_code: int) -> None:
    assert ERRORS[code].exit_code == exit_code


def test_every_error_has_an_exit_code() -> None:
    assert EXIT_CODES.keys() == ERRORS.keys()


def test_exit_codes_never_change_their_meaning() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "GOOD": 0,
        "FAILED": 1,
        "WRONG_INPUT": 2,
        "PARTLY": 3,
        "REFUSED": 4,
        "UNAVAILABLE": 5,
        "DAMAGED": 6,
        "IMPOSSIBLE": 7,
        "WARNINGS": 8,
        "OUR_BUG": 70,
        "INTERRUPTED": 130,
    }


def test_only_what_time_can_mend_is_retried() -> None:
    assert {code for code, cls in ERRORS.items() if cls.retry} == {"unavailable"}
