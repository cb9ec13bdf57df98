"""Run as a program: writes runs, points and drills into a catalog, and says each that is kept.

python -m catalog.writer ADDRESS PREFIX COUNT [LARGEST_FILE]
"""

from __future__ import annotations

import os
import resource
import sys
from contextlib import closing
from dataclasses import replace

from backstay.catalog.catalog import open_catalog
from backstay.domain.drills import Evidence
from backstay.domain.errors import CatalogError, Unavailable
from backstay.domain.points import Fingerprint
from backstay.domain.runs import Amount
from backstay.ports.catalog import Catalog
from backstay.ports.catalog_samples import a_drill, a_point, a_run, at
from catalog.still_clock import StillClock


def write(catalog: Catalog, prefix: str, number: int) -> None:
    name = f"{prefix}-{number}"
    catalog.add_run(replace(a_run(number), run_id=name))
    # The order of moments is not the order of writing.
    point = replace(a_point(number, hours=number * 7919 % 1000), run_id=name, point=name)
    catalog.add_point(point, Fingerprint("files/blake3/1", Amount(number), {}, os.urandom(2000)))
    if number % 10 == 0:
        seal(catalog, name)
    print(name, flush=True)


def seal(catalog: Catalog, name: str) -> None:
    while True:
        last = catalog.last_evidence()
        number, previous = (last.number + 1, last.digest) if last else (1, None)
        try:
            drill = replace(a_drill(number, hours=number), drill=name)
            catalog.add_drill(drill, Evidence(number, "drill", at(number), "{}", f"digest of {name}", previous))
            return
        except Unavailable:
            continue


def write_all(catalog: Catalog, prefix: str, count: int) -> None:
    try:
        for number in range(count):
            write(catalog, prefix, number)
    except CatalogError as error:
        sys.exit(f"{error.message} | {error.hint} | {len(catalog.points())}")


def main() -> None:
    address, prefix, count, *limit = sys.argv[1:]
    try:
        catalog = open_catalog(address, StillClock())
    except CatalogError as error:
        sys.exit(f"{error.message} | {error.hint}")
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit[0]), int(limit[0])))
    with closing(catalog):
        write_all(catalog, prefix, int(count))


if __name__ == "__main__":
    main()
