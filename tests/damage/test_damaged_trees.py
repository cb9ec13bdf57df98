"""A tool that serves a tree with something wrong in it, and ends with status 0: found by structure or content."""

from __future__ import annotations

import os

import pytest

from acceptance.estates import Place, some_files
from damage.injecting import another_restic, caught, damaged_and_not_counted, drilled, proven_and_counted

OTHER_PROPERTIES = """
chmod 0600 file-0.txt
chown 1234:1234 file-1.txt
python3 -c 'import os; os.removexattr("file-2.txt", "user.owner")'
ln -sfn x current
"""
SAME_LOOKS = """
touch -r late/file-1234 "$into.like"
printf X | dd of=late/file-1234 bs=1 seek=3 conv=notrunc 2>/dev/null
touch -r "$into.like" late/file-1234
rm "$into.like"
"""


@pytest.fixture
def estate(place: Place) -> Place:
    """A tree of 2,000 files and some that have more to them, proven once."""
    tree = some_files(place.root / "tree")
    (tree / "late").mkdir()
    for number in range(2000):
        (tree / "late" / f"file-{number}").write_text(f"payload {number}\n")
    os.setxattr(tree / "file-2.txt", "user.owner", b"crm")
    (tree / "current").symlink_to("file-3.txt")
    place.write({"tree": f"kind: files, paths: [{tree}]"})
    place.begin("tree")
    place.ask("run", "tree")
    proven_and_counted(place, "tree")
    return place


def _inside(place: Place, lines: str) -> str:
    """Shell lines in the restored tree, whose own modification time stays."""
    return f'cd .{place.root}/tree; touch -r . "$into.time"\n{lines}\ntouch -r "$into.time" .; rm "$into.time"'


@pytest.mark.long
def test_whatever_differs_in_a_restored_tree_is_named(estate: Place) -> None:
    with another_restic(estate, _inside(estate, OTHER_PROPERTIES)):
        drill = drilled(estate, "tree")
    named = (
        "file-0.txt has mode 0600; 0644 was there",
        "file-1.txt belongs to 1234:1234; it belonged to 0:0",
        "file-2.txt lost its attribute user.owner",
        "current points to x; it pointed to file-3.txt",
    )
    caught(drill, "L4", *named)
    damaged_and_not_counted(estate, "tree")
    with another_restic(estate, _inside(estate, "rm file-0.txt")):
        caught(drilled(estate, "tree"), "L4", "file-0.txt is missing", also="L5")
    with another_restic(estate, _inside(estate, "echo > more.txt")):
        caught(drilled(estate, "tree"), "L4", "more.txt was not there")
    with another_restic(estate, _inside(estate, SAME_LOOKS)):
        caught(drilled(estate, "tree"), "L5", "late/file-1234 has other content")
    proven_and_counted(estate, "tree")
