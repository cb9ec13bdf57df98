"""What the estate file says of machines and links is what jobs share."""

from __future__ import annotations

from math import inf

import pytest

from backstay.domain.estate import Estate, Here, Link, Target
from backstay.planning.network import HOST_SLOTS, host_key, resources_of
from planning.estates import HOUR, NOW

VAULT = Target("vault", "/srv/backups")


def estate(here: Here, *links: Link) -> Estate:
    return Estate("acme", "UTC", {"vault": VAULT}, {}, {}, here=here, links={link.name: link for link in links})


def test_this_machine_has_the_slots_and_the_rate_that_the_file_gives_it() -> None:
    given = resources_of(estate(Here(100, 3)), NOW, NOW + HOUR)[host_key(None)]
    assert (given.capacity, given.slots) == (100, 3)
    silent = resources_of(estate(Here()), NOW, NOW + HOUR)[host_key(None)]
    assert (silent.capacity, silent.slots) == (inf, HOST_SLOTS)


@pytest.mark.parametrize(("leave", "ours", "later"), [(0.0, 100, 50), (0.1, 90, 45), (0.5, 50, 25)])
def test_a_link_leaves_its_share_to_production_at_every_hour(leave: float, ours: float, later: float) -> None:
    wan = Link("wan", 100, {"22:30-06:00": 50}, ("vault",), leave)
    shared = resources_of(estate(Here(), wan), NOW, NOW + HOUR)["link:wan"]
    assert shared.capacity == pytest.approx(ours)
    ((at_s, capacity),) = shared.steps
    assert at_s == 1800.0
    assert capacity == pytest.approx(later)
