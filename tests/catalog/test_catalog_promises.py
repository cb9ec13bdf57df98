from __future__ import annotations

from collections.abc import Callable

import pytest

from backstay.ports.catalog import Catalog
from backstay.ports.catalog_promises import CATALOG_CHECKS


@pytest.mark.parametrize("check", CATALOG_CHECKS, ids=lambda check: check.__name__)
def test_the_catalog_keeps_its_promise(check: Callable[[Catalog], None], catalog: Catalog) -> None:
    check(catalog)
