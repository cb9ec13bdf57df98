from __future__ import annotations

import pytest

from acceptance.estates import Place, some_database, some_files


@pytest.fixture(scope="session")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """An estate with something of everything: good runs, a failed one, a proven point, an exempt workload.

    Tests only look at it.
    """
    root = tmp_path_factory.mktemp("lived-in")
    (root / "vault").mkdir()
    place = Place(root)
    files = some_files(root / "files")
    place.write(
        {
            "crm-files": f"kind: files, paths: [{files}], group: crm",
            "crm-db": f"kind: sqlite, path: {some_database(root / 'crm.db')}, group: crm",
            "gone": f"kind: files, paths: [{root}/not-there]",
        },
        policy="{rpo: 1h, rto: 1h, drill: weekly}",
        more="",
    )
    with (root / "estate.yaml").open("a") as file:
        file.write("  cache: {kind: files, paths: [/var/cache], exempt: {reason: rebuilt, review_by: 2099-03-31}}\n")
    place.begin("crm-files", "crm-db")
    assert place.do("run", "--all").status == 3
    assert place.do("drill", "crm-db").status == 0
    return place
