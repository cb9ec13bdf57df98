"""The promises of the port `Catalog` as plain functions, each to be given an empty catalog of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta, timezone
from functools import partial
from typing import get_args

from backstay.domain.drills import DrillVerdict
from backstay.domain.errors import BackstayError, ConfigError, InvariantBroken, Unavailable
from backstay.domain.points import Inventory, PointState
from backstay.domain.runs import RunNote, RunProgress

from .catalog import Catalog, Facts
from .catalog_samples import A_FINGERPRINT, ODD, START, a_drill, a_point, a_run, an_ended_run, an_evidence, at
from .promises import BrokenPromise


def require(kept: bool, promise: str) -> None:
    """Raises BrokenPromise with the promise unless it was kept."""
    if not kept:
        raise BrokenPromise(promise)


def require_error(expected: type[BackstayError], act: Callable[[], object], promise: str) -> None:
    """Raises BrokenPromise with the promise unless `act` raises the expected error."""
    try:
        act()
    except expected:
        return
    raise BrokenPromise(promise)


def taken(catalog: Catalog, limit: int = 30) -> list[float]:
    """How long the runs of one workload in its target took."""
    return [each.seconds for each in catalog.measured({"crm": "vault"}, limit)["crm"]]


def an_empty_catalog_answers(catalog: Catalog) -> None:
    lists = (catalog.runs(), catalog.points(), catalog.drills(), catalog.notes("x"), taken(catalog))
    require(not any(lists) and not catalog.facts(), "an empty catalog lists nothing")
    ones = (catalog.run("x"), catalog.point("x"), catalog.point_of_run("x"), catalog.fingerprint("x"))
    more = (catalog.progress("x"), catalog.inventory("x", "y", "z"), catalog.last_evidence(), catalog.evidence(1))
    require(not any(ones + more), "what was never added is None")
    require(not catalog.cancel_requested("x") and not catalog.request_cancel("x"), "an unknown run is not cancelled")


def a_run_comes_back_as_it_was(catalog: Catalog) -> None:
    for run in (a_run(1), an_ended_run(2)):
        require(catalog.add_run(run) == run, "add_run returns the new run")
        require(catalog.run(run.run_id) == run, "a run comes back as it was added")


def a_run_is_added_once(catalog: Catalog) -> None:
    catalog.add_run(a_run(1))
    again = catalog.add_run(replace(a_run(1), reason="asked twice", attempts=5))
    require(again == a_run(1) and list(catalog.runs()) == [a_run(1)], "a run that is known is returned unchanged")


def a_run_answers_all_who_ask_meanwhile(catalog: Catalog) -> None:
    first, second = a_run(1), replace(a_run(2), requested_at=at(2))
    require(catalog.ask_for(first) == first, "a run that nobody asked for is added")
    require(catalog.ask_for(second) == first, "an open run of the same workload and target answers")
    elsewhere = replace(a_run(3), target="elsewhere")
    require(catalog.ask_for(elsewhere) == elsewhere, "one to another target does not")
    catalog.save_run(an_ended_run(1))
    since = first.requested_at
    require(
        catalog.ask_for(second, since) == an_ended_run(1), "one that was asked for since then answers, ended or not"
    )
    require(catalog.ask_for(second, since + timedelta(microseconds=1)) == second, "an older one that ended does not")
    catalog.save_run(replace(an_ended_run(2), requested_at=at(2)))
    third = replace(a_run(4), requested_at=at(1))
    require(catalog.ask_for(third, at(1)) == third, "nor does one that a clock dated ahead")


def a_run_with_a_result_never_changes(catalog: Catalog) -> None:
    catalog.add_run(a_run(1))
    catalog.save_run(replace(a_run(1), started_at=at(1), attempts=1))
    require(catalog.run("run-0001") == replace(a_run(1), started_at=at(1), attempts=1), "an open run can be saved")
    catalog.save_run(an_ended_run(1))
    catalog.save_run(replace(an_ended_run(1), result="failed", bytes_read=1))
    catalog.save_run(a_run(1))
    require(catalog.run("run-0001") == an_ended_run(1), "a run with a result is never changed again")


def writing_about_an_unknown_run_is_our_bug(catalog: Catalog) -> None:
    beat, note = RunProgress("run-0001", at(0), "copy"), RunNote("run-0001", at(0), "info", "a line")
    require_error(InvariantBroken, partial(catalog.beat, beat), "only a run that was added has progress")
    require_error(InvariantBroken, partial(catalog.note, note), "only a run that was added has a log")
    require_error(InvariantBroken, lambda: catalog.save_run(a_run(1)), "only a run that was added can be saved")
    require(catalog.run("run-0001") is None and not catalog.facts(), "a refused write leaves nothing")


def runs_are_listed_newest_first(catalog: Catalog) -> None:
    first, second, other = a_run(3, hours=0), an_ended_run(1, hours=2), a_run(2, "web", hours=1)
    for run in (first, second, other):
        catalog.add_run(run)
    require(list(catalog.runs()) == [second, other, first], "runs are listed newest request first")
    require(list(catalog.runs(limit=2)) == [second, other], "a limit keeps the newest")
    require(list(catalog.runs(workload="crm")) == [second, first], "runs can be listed by workload")
    require(list(catalog.runs(open_only=True)) == [other, first], "open runs are those without result")


def durations_are_of_good_runs_only(catalog: Catalog) -> None:
    for number in range(1, 4):
        catalog.add_run(an_ended_run(number, hours=number, seconds=number * 1.5))
    catalog.add_run(replace(an_ended_run(4, hours=4), result="failed"))
    catalog.add_run(replace(an_ended_run(5, hours=5), target="offsite"))
    catalog.add_run(a_run(6, hours=6))
    require(taken(catalog) == [4.5, 3.0, 1.5], "durations are of good runs, newest first")
    require(taken(catalog, 1) == [4.5], "durations stop at the limit")


def only_an_open_run_can_be_cancelled(catalog: Catalog) -> None:
    catalog.add_run(a_run(1))
    require(not catalog.cancel_requested("run-0001"), "nobody has asked yet")
    require(catalog.request_cancel("run-0001") and catalog.request_cancel("run-0001"), "an open run can be cancelled")
    catalog.save_run(replace(a_run(1), attempts=1))
    require(catalog.cancel_requested("run-0001"), "saving a run does not lose the request to cancel it")
    catalog.add_run(an_ended_run(2))
    require(not catalog.request_cancel("run-0002"), "an ended run cannot be cancelled")
    require(not catalog.cancel_requested("run-0002"), "a refused request leaves nothing")


def progress_is_the_latest(catalog: Catalog) -> None:
    catalog.add_run(a_run(1))
    catalog.beat(RunProgress("run-0001", at(1), "copy", 5, 10))
    catalog.beat(RunProgress("run-0001", at(2), "fingerprint"))
    require(
        catalog.progress("run-0001") == RunProgress("run-0001", at(2), "fingerprint"), "progress is the latest beat"
    )


def notes_are_listed_oldest_first(catalog: Catalog) -> None:
    catalog.add_run(a_run(1))
    catalog.add_run(a_run(2))
    for number in range(20):
        catalog.note(RunNote("run-0001", at(number // 10), "info", f"line {number}"))
    catalog.note(RunNote("run-0002", at(0), "error", "another"))
    texts = [note.text for note in catalog.notes("run-0001")]
    require(texts == [f"line {number}" for number in range(20)], "notes are listed oldest first, as they were added")


def any_text_can_be_noted(catalog: Catalog) -> None:
    catalog.add_run(replace(a_run(1), reason=ODD))
    catalog.note(RunNote("run-0001", at(0), "warning", ODD))
    require("caf" in catalog.notes("run-0001")[0].text, "a name that is not UTF-8 does not keep a line out of the log")


def a_point_comes_back_as_it_was(catalog: Catalog) -> None:
    require(catalog.add_point(a_point(1), A_FINGERPRINT) == a_point(1), "add_point returns the new point")
    catalog.add_point(a_point(2), None)
    require(catalog.point_of_run("run-0001") == a_point(1), "a point is found by its run, as it was added")
    require(catalog.fingerprint("point-0001") == A_FINGERPRINT, "a fingerprint comes back as it was added")
    require(catalog.fingerprint("point-0002") is None, "a point may have no fingerprint")


def a_run_has_one_point(catalog: Catalog) -> None:
    catalog.add_point(a_point(1), None)
    again = catalog.add_point(replace(a_point(1), point="point-9999", bytes=1), A_FINGERPRINT)
    require(again == a_point(1) and list(catalog.points()) == [a_point(1)], "a run that has a point gets no second one")
    require(catalog.fingerprint("point-0001") is None, "adding a point again changes nothing of the first")


def a_point_is_found_by_its_beginning(catalog: Catalog) -> None:
    names = ("abc", "abd%", "ab_", "xyz", "xyzz")
    for number, name in enumerate(names):
        catalog.add_point(replace(a_point(number), point=name), None)
    for prefix, name in (("abc", "abc"), ("abd", "abd%"), ("ab_", "ab_"), ("xyz", "xyz"), ("xyzz", "xyzz")):
        found = catalog.point(prefix)
        require(found is not None and found.point == name, f"the beginning {prefix!r} finds {name!r}")
    for prefix in ("%", "ABC", ODD):
        require(catalog.point(prefix) is None, "only the very characters match")
    for several in ("ab", "xy", ""):
        require_error(ConfigError, partial(catalog.point, several), "several points are a ConfigError")


def points_are_listed_newest_first(catalog: Catalog) -> None:
    old, new, other = a_point(3, hours=1), a_point(1, hours=3), a_point(2, "web", hours=2)
    for point in (old, new, other):
        catalog.add_point(point, None)
    require(list(catalog.points()) == [new, other, old], "points are listed newest as_of first")
    require(list(catalog.points("crm", limit=1)) == [new], "points can be listed by workload, up to a limit")


def only_whole_points_count(catalog: Catalog) -> None:
    states: tuple[PointState, ...] = get_args(PointState)
    points = [a_point(number, hours=number, state=state) for number, state in enumerate(states)]
    for point in points:
        catalog.add_point(point, None)
    counting = [point for point in reversed(points) if point.counts]
    require(list(catalog.points("crm", counting=True)) == counting, "incomplete and damaged points do not count")


def a_point_changes_its_state_only(catalog: Catalog) -> None:
    catalog.add_point(a_point(1), A_FINGERPRINT)
    catalog.set_point_state("point-0001", "proven")
    require(catalog.point("point-0001") == a_point(1, state="proven"), "a point keeps the state that it was given")
    require_error(InvariantBroken, lambda: catalog.set_point_state("x", "proven"), "an unknown point has no state")


def an_inventory_is_replaced_whole(catalog: Catalog) -> None:
    catalog.save_inventory("vault", "restic", "crm", Inventory(at(0), {"data/00": 1, "gone": 2}))
    newer = Inventory(at(1), {f"data/{number:06}/{ODD}": number for number in range(5000)})
    catalog.save_inventory("vault", "restic", "crm", newer)
    require(catalog.inventory("vault", "restic", "crm") == newer, "an inventory replaces the one before it")
    require(catalog.inventory("vault", "restic", "web") is None, "each repository has an inventory of its own")


def a_drill_comes_back_with_its_evidence(catalog: Catalog) -> None:
    catalog.add_drill(replace(a_drill(1), evidence=None), an_evidence(1))
    require(list(catalog.drills()) == [a_drill(1)], "a drill comes back as it was, with the number of its evidence")
    require(catalog.evidence(1) == an_evidence(1) == catalog.last_evidence(), "evidence comes back as it was sealed")


def a_drill_is_added_once(catalog: Catalog) -> None:
    catalog.add_drill(a_drill(1), an_evidence(1))
    catalog.add_drill(replace(a_drill(1), verdict="failed"), an_evidence(2))
    require(list(catalog.drills()) == [a_drill(1)], "adding a drill twice changes nothing")
    require(catalog.last_evidence() == an_evidence(1), "adding a drill twice makes no second evidence")


def drills_are_listed_newest_first(catalog: Catalog) -> None:
    for number, workload, hours in ((1, "crm", 5), (2, "web", 9), (3, "crm", 7)):
        catalog.add_drill(a_drill(number, workload, hours=hours), an_evidence(number))
    require([drill.drill[-1] for drill in catalog.drills()] == ["2", "3", "1"], "drills are listed newest first")
    require([drill.drill[-1] for drill in catalog.drills("crm", 1)] == ["3"], "drills can be listed by workload")


def evidence_has_no_gaps(catalog: Catalog) -> None:
    add = catalog.add_drill
    catalog.add_drill(a_drill(1), an_evidence(1))
    require_error(InvariantBroken, lambda: add(a_drill(3), an_evidence(3)), "evidence numbers have no gaps")
    forged = replace(an_evidence(2), previous="another")
    require_error(InvariantBroken, lambda: add(a_drill(2), forged), "evidence continues the chain")
    require_error(Unavailable, lambda: add(a_drill(2), an_evidence(1)), "a number that is taken asks for a new seal")
    require(len(catalog.drills()) == 1 and len(catalog.facts()) == 1, "a refused drill leaves nothing")
    catalog.add_drill(a_drill(2), an_evidence(2))
    require(catalog.last_evidence() == an_evidence(2), "the chain goes on after a refusal")


def facts_are_the_newest(catalog: Catalog) -> None:
    catalog.add_run(a_run(2, hours=5))
    catalog.add_run(an_ended_run(1, hours=1))
    for number, hours in ((1, 1), (3, 9), (2, 5)):
        catalog.add_point(a_point(number, hours=hours), None)
    verdicts: tuple[DrillVerdict, ...] = ("failed", "proven", "inconclusive", "proven")
    for number, hours in ((1, 1), (2, 7), (3, 9), (4, 5)):
        catalog.add_drill(a_drill(number, hours=hours, verdict=verdicts[number - 1]), an_evidence(number))
    proven, last = a_drill(2, hours=7), a_drill(3, hours=9, verdict="inconclusive")
    facts = Facts(a_run(2, hours=5), a_point(3, hours=9), proven, last)
    require(catalog.facts() == {"crm": facts}, "facts are the newest, in whatever order they came")
    catalog.save_run(an_ended_run(2, hours=5))
    require(catalog.facts()["crm"].last_run == an_ended_run(2, hours=5), "facts follow a run to its end")


def what_is_dated_ahead_is_no_fact_once_there_is_another(catalog: Catalog) -> None:
    """A clock was ahead for a while."""
    ahead, right = a_point(1, hours=24 * 36_500), a_point(2, hours=1)
    catalog.add_point(ahead, None)
    require(catalog.facts()["crm"].last_point == ahead, "the only point is the last one, whatever its date")
    catalog.add_point(right, None)
    require(catalog.facts()["crm"].last_point == right, "a point that is not from the future is preferred")


def facts_follow_the_state_of_points(catalog: Catalog) -> None:
    catalog.add_point(a_point(1, hours=1), None)
    catalog.add_point(a_point(2, hours=2), None)
    catalog.add_point(a_point(3, hours=3, state="incomplete"), None)
    newest_by_state: dict[PointState, int] = {"damaged": 1, "verified": 2, "proven": 2}
    for state, newest in newest_by_state.items():
        catalog.set_point_state("point-0002", state)
        point = catalog.facts()["crm"].last_point
        require(point is not None and point == catalog.point(f"point-{newest:04}"), "the last point is one that counts")
    catalog.set_point_state("point-0001", "damaged")
    catalog.set_point_state("point-0002", "damaged")
    require(catalog.facts() == {"crm": Facts()}, "a workload whose points are all damaged has no last point")


def moments_need_a_time_zone(catalog: Catalog) -> None:
    naive = START.replace(tzinfo=None)
    point = replace(a_point(1), as_of=naive)
    require_error(InvariantBroken, lambda: catalog.add_run(replace(a_run(1), requested_at=naive)), "no naive run")
    require_error(InvariantBroken, lambda: catalog.add_point(point, None), "no naive point")
    require(not catalog.runs() and not catalog.points(), "a moment without time zone is never kept")


def moments_come_back_in_utc(catalog: Catalog) -> None:
    there = START.astimezone(timezone(timedelta(hours=5, minutes=30)))
    catalog.add_run(replace(a_run(1), requested_at=there))
    run = catalog.run("run-0001")
    require(run is not None and run.requested_at == START, "a moment is kept to the microsecond, wherever it was read")
    require(run is not None and run.requested_at.utcoffset() == timedelta(0), "a moment comes back in UTC")


CATALOG_CHECKS: tuple[Callable[[Catalog], None], ...] = (
    an_empty_catalog_answers,
    a_run_comes_back_as_it_was,
    a_run_is_added_once,
    a_run_answers_all_who_ask_meanwhile,
    a_run_with_a_result_never_changes,
    writing_about_an_unknown_run_is_our_bug,
    runs_are_listed_newest_first,
    durations_are_of_good_runs_only,
    only_an_open_run_can_be_cancelled,
    progress_is_the_latest,
    notes_are_listed_oldest_first,
    any_text_can_be_noted,
    a_point_comes_back_as_it_was,
    a_run_has_one_point,
    a_point_is_found_by_its_beginning,
    points_are_listed_newest_first,
    only_whole_points_count,
    a_point_changes_its_state_only,
    an_inventory_is_replaced_whole,
    a_drill_comes_back_with_its_evidence,
    a_drill_is_added_once,
    drills_are_listed_newest_first,
    evidence_has_no_gaps,
    facts_are_the_newest,
    facts_follow_the_state_of_points,
    what_is_dated_ahead_is_no_fact_once_there_is_another,
    moments_need_a_time_zone,
    moments_come_back_in_utc,
)
