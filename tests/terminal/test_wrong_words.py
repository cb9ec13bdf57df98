"""Wrong words: one clear message, a hint, the right exit code, and never a stack trace."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from acceptance.estates import Answer, Place
from terminal.seeing import in_process

WRONG = {
    "sttus": (2, "no such command 'sttus'", "Did you mean 'status'"),
    "nonsense-altogether": (2, "no such command", "backstay --help"),
    "status --chekc": (2, "no such option: --chekc", "--check"),
    "run crm-bd": (2, "no workload is called crm-bd", "Did you mean crm-db?"),
    "run zzzz": (2, "no workload is called zzzz", "There are: crm-files"),
    "drill crm-bd": (2, "no workload is called crm-bd", "Did you mean crm-db?"),
    "verify crm-bd": (2, "no workload is called crm-bd", "Did you mean crm-db?"),
    "status crm-bd": (2, "no workload is called crm-bd", "Did you mean crm-db?"),
    "points crm-bd": (2, "no workload is called crm-bd", "Did you mean crm-db?"),
    "runs crm-bd": (2, "no workload is called crm-bd", "Did you mean crm-db?"),
    "restore crm-bd --to /x": (2, "no workload is called crm-bd", "Did you mean crm-db?"),
    "run crm-db --all": (2, "exclude one another", ""),
    "run --target valt": (2, "no target is called valt", "There are: vault"),
    "run cache": (4, "cache is exempt", "Take `exempt` off it first."),
    "engine check --target valt": (2, "no target is called valt", "There are: vault"),
    "log zzz": (2, "no run begins with zzz", "See backstay runs."),
    "log 0": (2, "runs begin with 0", "See backstay runs."),
    "cancel zzz": (2, "no run begins with zzz", "See backstay runs."),
    "log": (2, "missing argument 'RUN'", "See backstay log --help."),
    "plan --hours soon": (2, "--hours", "See backstay plan --help."),
    "plan --hours 0": (2, "--hours", "See backstay plan --help."),
    "plan --hours nan": (2, "--hours", "See backstay plan --help."),
    "runs --limit 0": (2, "--limit", "See backstay runs --help."),
    "drill crm-db --depth L9": (2, "--depth", "See backstay drill --help."),
    "drill crm-db --point zzz": (2, "no point begins with zzz", "See backstay points."),
    "restore crm-db": (2, "give either --to DIR or --into REF", ""),
    "restore crm-db --to {new} --at soon": (2, "--at soon is not a time", "Write 2026-"),
    "restore crm-db --to {new} --at 2001-01-01T00:00": (
        2,
        "crm-db has no restore point as of 2001-01-01",
        "backstay run",
    ),
    "restore crm-db --to {new} --point {point of crm-files}": (2, "is of crm-files, not of crm-db", ""),
    "restore crm-db --to {file}": (2, "it is a file", "new or empty folder"),
    "restore crm-db --to {file}/below": (2, "Not a directory", "new or empty folder"),
    "restore crm-db --to {full}": (4, "is not empty", ""),
    "restore crm-files --to {source}/inside": (4, "lies inside the source", "Restore beside it"),
    "restore crm-db --into postgresql:///x": (2, "is not loaded into a server", "Restore it with --to DIR."),
    "--estate {file}.not-there status": (2, "not-there", ""),
    "--estate {full} status": (2, "{full}", ""),
    "--estate {file} status": (2, "{file}", ""),
    "init {source}/../": (4, "is there already", "give init another folder"),
}


@pytest.mark.parametrize("words", WRONG)
def test_wrong_words_are_answered_with_a_message_and_a_hint(
    words: str, lived_in: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, message, hint = WRONG[words]
    names = _names(lived_in, tmp_path, words)
    command = shlex.split(_filled(words, names))
    text = in_process(lived_in, capsys, *command)
    assert (text.status, text.out) == (status, ""), text
    assert _filled(message, names) in text.err
    assert hint in text.err
    assert "Traceback" not in text.err
    assert 1 <= len(text.err.splitlines()) <= 3, text.err
    _as_document(in_process(lived_in, capsys, *command, "--json"), status, _filled(message, names))


def _as_document(answer: Answer, status: int, message: str) -> None:
    document = json.loads(answer.out)
    assert answer.status == status, answer
    assert message not in answer.err
    assert document["schema"] == "backstay/error/1"
    assert {"code", "message", "subject", "hint", "line"} <= set(document["error"])
    assert message in json.dumps(document["error"], ensure_ascii=False)


def _names(place: Place, folder: Path, words: str) -> dict[str, str]:
    (folder / "file").write_text("- this: [is no estate\n")
    (folder / "full").mkdir()
    (folder / "full" / "precious").write_text("somebody's")
    return {
        "{file}": str(folder / "file"),
        "{full}": str(folder / "full"),
        "{new}": str(folder / "new"),
        "{source}": str(place.root / "files"),
        "{point of crm-files}": _point(place) if "{point" in words else "",
    }


def _filled(text: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(name, value)
    return text


def _point(place: Place) -> str:
    return str(place.points("crm-files")[0]["point"])
