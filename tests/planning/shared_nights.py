"""Small random nights with everything that rules and the simulator must heed, and what to check of how they went."""

from __future__ import annotations

from dataclasses import replace
from math import inf

from hypothesis import strategies as st

from backstay.planning.night.model import ALWAYS, Bound, Demand, Night, Resource
from backstay.planning.patterns.known import ALL_AT_ONCE, PARALLEL, PLANNED, SERIAL, STATIC, hybrid
from backstay.planning.patterns.rules import Rules

NO_BOUND = Bound(1.0, 1.0, "path", {})

capacities = st.floats(1, 1000)
slots = st.sampled_from([1, 2, 3, inf])
times = st.floats(0, 100)


@st.composite
def resources(draw: st.DrawFn, *, stepping: bool = True) -> dict[str, Resource]:
    """Two hosts, two links, two targets and a pool."""
    made = []
    for kind in ("host", "link", "target"):
        for number in (1, 2):
            since = draw(st.lists(times, max_size=2, unique=True)) if stepping else []
            steps = tuple((at_s, draw(capacities)) for at_s in sorted(since))
            loss, share = draw(st.sampled_from([0.0, 0.3])), draw(st.sampled_from([1.0, 0.5]))
            made.append(Resource(f"{kind}{number}", kind, draw(capacities), draw(slots), steps, share, loss))
    made.append(Resource("pool", "pool", slots=draw(slots)))
    return {each.key: each for each in made}


@st.composite
def nights(draw: st.DrawFn, *, windows: bool = True, stepping: bool = True) -> Night:
    """Up to nine jobs; with `windows` some start late, in intervals, or must stop when one closes."""
    there = draw(resources(stepping=stepping))
    count = draw(st.integers(1, 9))
    names = [st.sampled_from([(), (f"{kind}1",), (f"{kind}2",)]) for kind in ("host", "link", "target")]
    demands = []
    for number in range(count):
        before = draw(st.lists(st.integers(0, number - 1), max_size=2)) if number else []
        uses = [key for each in names for key in draw(each)] + draw(st.sampled_from([[], ["pool"]]))
        demands.append(
            Demand(
                key=f"job{number}",
                volume=draw(st.sampled_from([0.0, 1.0, 50.0, 3000.0])),
                own_rate=draw(st.floats(1, 200)),
                prep_s=draw(st.sampled_from([0.0, 3.0])),
                release_s=draw(times) if windows else 0.0,
                deadline_s=draw(st.sampled_from([inf, 60.0])),
                after=tuple(f"job{place}" for place in before),
                resources=tuple(uses),
                kind=draw(st.sampled_from(["files", "postgresql"])),
                open=draw(intervals) if windows else ALWAYS,
                stop=draw(st.booleans()) if windows else False,
            )
        )
    return Night(tuple(demands), there)


intervals = st.sampled_from(
    [ALWAYS, ALWAYS, ((0.0, 20.0),), ((10.0, 40.0), (60.0, inf)), ((5.0, 8.0), (30.0, 33.0), (90.0, 94.0))]
)


@st.composite
def rules_for(draw: st.DrawFn, night: Night) -> Rules:
    """Any of the patterns; the planner's with any priorities."""
    order = {demand.key: draw(st.floats(-100, 100)) for demand in night.demands}
    every = [SERIAL, PARALLEL, ALL_AT_ONCE, STATIC, hybrid(night), replace(PLANNED, order=order)]
    pools_of_rules = hybrid(Night(night.demands, {key: each for key, each in night.resources.items() if key != "pool"}))
    return draw(st.sampled_from([*every, pools_of_rules]))
