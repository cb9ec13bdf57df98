"""A secret that stands in the file, where only its reference belongs, is refused and not repeated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from acceptance.estates import Place
from backstay.app.wiring import SECRETS
from backstay.cli import main
from canaries.searching import Search, awkward_canary, canary

WRONG = {
    "an address with a password": "w: {{kind: postgresql, dsn: 'postgresql://me:{0}@db/crm', policy: p}}",
    "settings with a password": "w: {{kind: postgresql, dsn: 'host=db password={0}', policy: p}}",
    "settings with a quoted password": "w: {{kind: postgresql, dsn: \"host=db password='{0}'\", policy: p}}",
    "a bare password as address": "w: {{kind: postgresql, dsn: '{0}', policy: p}}",
    "an argument": "w: {{kind: command, command: [dump, --password, '{0}'], file_name: f, policy: p}}",
    "an argument with its value": "w: {{kind: command, command: [dump, '--password={0}'], file_name: f, policy: p}}",
    "a target's password": "targets: {{t: {{url: /srv/t, password: '{0}'}}}}",
    "a target's address": "targets: {{t: {{url: 'sftp://me:{0}@host/x'}}}}",
    "credentials": "targets: {{t: {{url: /srv/t, credentials: '{0}'}}}}",
    "a password as a mapping": "targets: {{t: {{url: /t, password: {{x: {0}}}}}}}",
    "a password as a list": "targets: {{t: {{url: /t, password: [{0}]}}}}",
    "a misspelt key": "targets: {{t: {{url: /srv/t, pasword: '{0}'}}}}",
    "the catalog": "catalog: 'postgresql://me:{0}@db/catalog'",
    "a line that is no YAML": "targets: {{t: {{url: /t, password: '{0}' ]",
}
COMMANDS = (["check"], ["check", "--json"], ["check", "--effective", "--json"], ["plan"], ["run", "--json"], ["status"])


@pytest.mark.parametrize("where", WRONG)
def test_a_secret_in_the_estate_file_is_refused_and_not_repeated(
    where: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = canary()
    _write(tmp_path, WRONG[where].format(secret))
    for command in COMMANDS:
        place = ["--estate", str(tmp_path / "estate.yaml"), "--state", str(tmp_path / "state")]
        status = main.run([*place, *command])
        shown = capsys.readouterr()
        assert status == 2, (command, shown)
        assert Search([secret]).shown_in(shown.out + shown.err, " ".join(command)) == [], shown
    assert not (tmp_path / "state").exists()


def _write(folder: Path, wrong: str) -> None:
    sections = {
        "targets": "targets: {t: {url: /srv/t}}",
        "w": "w: {kind: files, paths: [/srv], policy: p}",
        "catalog": "catalog: sqlite",
    }
    sections[wrong.partition(":")[0]] = wrong
    top = f"estate: wrong\n{sections['targets']}\n{sections['catalog']}\npolicies: {{p: {{rpo: 1h}}}}\n"
    (folder / "estate.yaml").write_text(f"{top}workloads:\n  {sections['w']}\n")


@pytest.mark.parametrize("writing", ["me:{0}@@/crm", "postgresql://me:{0}@db:port/crm", "password={0} host"])
def test_an_address_that_cannot_be_read_is_not_repeated(writing: str, tmp_path: Path) -> None:
    secret = canary()
    (tmp_path / "vault").mkdir()
    place = Place(tmp_path, {"CANARY_DSN": writing.format(secret), "BACKSTAY_TRACEBACK": "1"})
    place.write({"db": "kind: postgresql, dsn: 'env:CANARY_DSN'"})
    answer = place.do("run", "db", "--json")
    assert answer.status != 0, answer
    assert Search([secret]).shown_in(answer.out + answer.err, "the screen") == []
    assert Search([secret]).shown_below(place.state, except_below=place.state / "keys") == []


def test_a_stack_trace_that_was_asked_for_hides_what_was_fetched(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fetched, unknown = awkward_canary(), canary()
    monkeypatch.setenv("BACKSTAY_TRACEBACK", "1")
    SECRETS.hide(fetched)
    error = main._as_bug(RuntimeError(f"somebody's library quotes {json.dumps(fetched)}, and {unknown}"))
    trace = capsys.readouterr().err
    assert "RuntimeError: somebody's library quotes" in trace
    assert Search([fetched]).shown_in(trace + error.message + str(error.hint), "the trace") == []
    assert Search([unknown]).shown_in(trace, "the trace"), "what was never a secret is shown"
    assert Search([unknown]).shown_in(error.message + str(error.hint), "the error") == []
