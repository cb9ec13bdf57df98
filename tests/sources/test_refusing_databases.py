"""A database server that refuses us, is down, lost a database or lost half of its rows."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator

import pytest

from acceptance.estates import Place, leftovers, some_files
from postgres import PrivatePostgres, private_postgres
from sources.breaking import GOOD, done, failed, kept, run, snapshots, standing

LONGEST_RETRIES_S = 20.0


@pytest.fixture
def server() -> Iterator[PrivatePostgres]:
    with private_postgres(password=secrets.token_hex(12)) as running:
        running.execute("CREATE DATABASE shop")
        running.execute(
            "CREATE TABLE orders AS SELECT n, n * n AS square FROM generate_series(1, 4000) n", database="shop"
        )
        yield running


@pytest.fixture
def shop(place: Place, server: PrivatePostgres) -> Place:
    """A database that needs a login, beside a tree; each with a point."""
    some_files(place.root / GOOD)
    place.write({"shop": "kind: postgresql, dsn: 'env:SHOP'", GOOD: f"kind: files, paths: [{place.root}/{GOOD}]"})
    place.begin("shop", GOOD)
    place.environment["SHOP"] = server.address_of("shop", password=server.password)
    done(run(place, status=0))
    return place


def test_a_refused_login_and_a_server_that_is_down_are_unavailable_within_seconds(
    shop: Place, server: PrivatePostgres
) -> None:
    points, stored = kept(shop), snapshots(shop)
    right, wrong = shop.environment["SHOP"], secrets.token_hex(12)
    shop.environment["SHOP"] = server.address_of("shop", password=wrong)
    began = time.monotonic()
    answer = shop.do("run", "shop", "--json")
    assert time.monotonic() - began < LONGEST_RETRIES_S
    assert answer.status == 5
    failed(answer.document["runs"][0], "unavailable", "shop", "password authentication failed")
    assert wrong not in answer.out + answer.err
    assert standing(shop)["shop"]["state"] == "failing"
    server.stop()
    shop.environment["SHOP"] = right
    runs = run(shop, status=3)
    assert runs[GOOD]["result"] == "done"
    failed(runs["shop"], "unavailable", "shop", "refused us or did not answer")
    assert points.items() <= kept(shop).items()
    assert len(kept(shop)) == len(points) + 1
    assert stored <= snapshots(shop)
    server.start()
    done(run(shop, "shop", status=0))
    assert not leftovers(shop)


@pytest.mark.long
def test_a_missing_database_and_one_that_lost_half_its_rows_are_no_good_point(
    shop: Place, server: PrivatePostgres
) -> None:
    points = kept(shop)
    server.execute("DELETE FROM orders WHERE n > 1600", database="shop")
    failed(run(shop, "shop", status=1)["shop"], "source", "shop", "were there at the last good point")
    server.execute("ALTER DATABASE shop RENAME TO gone")
    failed(run(shop, "shop", status=1)["shop"], "source", "there is no database shop")
    assert kept(shop) == points
    server.execute("ALTER DATABASE gone RENAME TO shop")
    server.execute("INSERT INTO orders SELECT n, n * n FROM generate_series(1601, 4000) n", database="shop")
    done(run(shop, "shop", status=0))
