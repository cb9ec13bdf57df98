"""Documents: exactly one on standard output, with the fields that DESIGN promises for each command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from acceptance.estates import Place
from terminal.seeing import in_process

RUN = "run_id workload engine target level result started_at ended_at bytes_read bytes_added point warnings error"
STATUS = "workload state as_of achieved_rpo_s rpo_s proven_at measured_rto_s rto_s next_due_at findings"
POINT = "point workload target engine level as_of bytes needs state kept_because expires_at"
FIELDS = {
    ("check",): ("check", "findings", "code severity subject message hint line"),
    ("plan",): ("plan", "jobs", "workload action start_at end_at rate_bytes_per_s reasons"),
    ("runs",): ("runs", "runs", RUN),
    ("status",): ("status", "workloads", STATUS),
    ("points",): ("points", "points", POINT),
    ("keys", "list"): ("keys", "keys", "target engine repository address key exists"),
    ("drill", "crm-db"): ("drill", "drills", "drill workload point verdict levels rto_s findings evidence"),
    ("run", "crm-db"): ("run", "runs", RUN),
    ("verify", "crm-db"): ("verify", "repositories", "target engine repository checked bytes problems remarks"),
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@pytest.mark.parametrize("command", FIELDS, ids=" ".join)
def test_a_document_has_the_fields_that_are_promised(
    command: tuple[str, ...], lived_in: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    name, rows, fields = FIELDS[command]
    document = in_process(lived_in, capsys, *command, "--json").document
    assert list(document)[:3] == ["schema", "estate", "at"]
    assert (document["schema"], document["estate"]) == (f"backstay/{name}/1", "test")
    assert document[rows], "nothing to look at"
    for row in document[rows]:
        assert set(fields.split()) <= set(row)
    assert list(_wrong_values(document)) == []


def test_a_plan_tells_its_bound_and_what_binds(lived_in: Place) -> None:
    document = lived_in.ask("plan")
    assert {"workflow", "bound_s", "makespan_s", "binding"} <= set(document)


def test_a_restore_tells_what_lies_where(lived_in: Place, tmp_path: Any) -> None:
    view = lived_in.ask("restore", "crm-files", "--to", str(tmp_path / "back"))["restore"]
    assert {"workload", "point", "as_of", "path", "files", "bytes", "seconds"} <= set(view)
    assert (view["path"], view["files"]) == (str(tmp_path / "back"), 5)


def test_a_level_tells_its_result_and_why(lived_in: Place) -> None:
    (drill,) = lived_in.ask("drill", "crm-db")["drills"]
    assert [level["level"] for level in drill["levels"]] == [f"L{n}" for n in range(8)]
    for level in drill["levels"]:
        assert set(level) == {"level", "result", "detail"}
        assert level["result"] in ("passed", "failed", "skipped")


def _wrong_values(value: object, name: str = "") -> Iterator[str]:
    """Times that are not UTC, and spans and sizes that are no numbers."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _wrong_values(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from _wrong_values(item, name)
    elif name == "at" or name.endswith(("_at", "as_of")):
        if value is not None and not TIME.fullmatch(str(value)):
            yield f"{name} is {value}"
    elif (name.endswith("_s") or name.startswith("bytes")) and not isinstance(value, int | float | None):
        yield f"{name} is {value}"
