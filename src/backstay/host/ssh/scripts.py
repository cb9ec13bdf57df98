"""What runs on a host besides the programs we start: shell text, which an ordinary account with a POSIX shell and
/proc can run, and which is never written to a file there."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence

from backstay.domain.errors import InvariantBroken

BEAT_EVERY_S = 3.0
SILENCE_S = 15.0
"""Without a word from us for so long, the far end takes it that we are gone."""

LONGEST_GRACE_S = 10.0
"""What a program there has to end by itself when we are gone, whatever it may have else: 15 s and 10 s stay below the
30 s within which nothing of ours may be left."""

GREETING = "backstay-session"
"""What a session says first, with its number. Before it, the account's own shell may have talked as it began."""

GREETED_WITHIN_S = 30.0

_END = "end of what is to be done"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

# One line, because the account's own shell reads it first, whatever that is. The rest comes over standard input:
# what is in an argument list can be read by every account. `read` takes byte by byte, and so leaves the program
# its own input.
_BOOTSTRAP = (
    f"""echo; echo {GREETING} $$; """
    """n=$(printf "\\n."); n=${n%.}; s=; """
    f"""while IFS= read -r l && [ "$l" != "{_END}" ]; do s="$s$l$n"; done; """
    f"""[ "$l" = "{_END}" ] || exit 1; l=; eval "$s" """
)

# The feeder stands between us and the program: were it not there, our death would look like the end of the input. It
# keeps the pipe open beyond the end of `cat`; only the watch, told so by us, ends it. `cat` is a process of its own, so
# that what was said before is still carried when it does. A stop is meant for the program alone.
_FED = """
pipe=$HOME/.backstay-feed.$$
mkfifo -m 600 "$pipe" || { echo nowhere; exit 1; }
exec 3<&0 4<>"$pipe" 5<"$pipe"
rm -f "$pipe"
{ trap '' HUP INT QUIT TERM; exec cat <&3 >&4; } 5<&- >/dev/null 2>&1 &
{ trap '' HUP INT QUIT TERM; exec sleep 1000000; } 3<&- 5<&- >/dev/null 2>&1 &
feeder=$!
exec 3<&- 4>&- 0<&5 5<&-
"""


def opening(marks: Mapping[str, str]) -> str:
    """The command line of every session: it says its number, reads a script, and becomes that."""
    known = " ".join(shlex.quote(f"{name}={value}") for name, value in marks.items())
    return (
        'exec env -i "PATH=$PATH" "HOME=$HOME" LANG=C.UTF-8 LC_ALL=C.UTF-8 '
        f"{known} sh -c {shlex.quote(_BOOTSTRAP.strip())}"
    )


def sent(script: str) -> bytes:
    """A script as it goes over the wire."""
    return os.fsencode(f"{script}\n{_END}\n")


def becoming(
    argv: Sequence[str], env: Mapping[str, str], cwd: str | None, *, fed: bool = False, merged: bool = False
) -> str:
    """The script that becomes this program. First it says `ready` and the feeder's number, or what is missing."""
    lines = [_exported(env)]
    if cwd is not None:
        lines.append(f"[ -d {shlex.quote(cwd)} ] || {{ echo nofolder; exit 1; }}")
        lines.append(f"cd -- {shlex.quote(cwd)} || {{ echo forbidden; exit 1; }}")
    lines.append(f"command -v {shlex.quote(argv[0])} >/dev/null 2>&1 || {{ echo missing; exit 1; }}")
    lines.append("unset PWD OLDPWD n l s")
    lines.append(_FED if fed else "feeder=; exec </dev/null")
    lines.append("echo ready $feeder; unset feeder")
    lines.append(f"exec {shlex.join(argv)}{' 2>&1' if merged else ''}")
    return "\n".join(lines)


def _exported(env: Mapping[str, str]) -> str:
    if strange := [name for name in env if not _NAME.fullmatch(name)]:
        raise InvariantBroken(f"{strange[0]!r} is no name of an environment variable")
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in env.items()) or ":"


# Any account of the host can start a program with our marks, and write in them what it likes: only what runs as this
# account is listed, and what is in a mark cannot look like a line of ours.
LEFT_OVER = r"""
account() { sed -n 's/^Uid:[^0-9]*\([0-9]*\).*/\1/p' /proc/$1/status; }
me=$(account $$)
grep -lsF "BACKSTAY_STATE=$1" /proc/[0-9]*/environ | while IFS=/ read -r _ _ pid _; do
  [ "$pid" != $$ ] && [ "$(account $pid)" = "$me" ] || continue
  line=; read -r line </proc/$pid/stat || continue
  set -- "$1" ${line##*) }
  owner=$(tr '\n\0' ' \n' </proc/$pid/environ | sed -n '/^BACKSTAY_OWNER=/{s///p;q;}')
  printf '%s\n' "program $pid ${21} $owner"
done 2>/dev/null
for file in "$2"/*/owner; do
  [ -f "$file" ] && read -r owner <"$file" && printf '%s\n' "folder ${file%/owner} $owner"
done
exit 0
"""

CLEAR_AWAY = r"""
runs() {
  line=; { read -r line </proc/$1/stat; } 2>/dev/null || return 1
  set -- $1 $2 ${line##*) }
  [ "${22}" = "$2" ] && [ "$3" != Z ]
}
gone() { for wait in 1 2 3 4 5 6 7 8 9 10; do runs $1 $2 || return 0; sleep 0.1; done; return 1; }
while read -r what where born; do
  case $what in
  program) runs $where $born && kill -s KILL $where && gone $where $born && echo gone ;;
  folder) rm -rf -- "$where" ;;
  esac
done 2>/dev/null
exit 0
"""
