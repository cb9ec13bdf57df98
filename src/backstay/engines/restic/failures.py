"""Why restic failed, sorted by who must act; pure, but for one look whether the store is there at all.

Exit codes 10, 11 and 12 exist since 0.17, the texts in every version; neither is trusted alone.
Source: restic 0.18, "Exit codes", https://restic.readthedocs.io/en/stable/075_scripting.html#exit-codes
"""

from __future__ import annotations

import re
import shlex

from backstay.domain.errors import BackstayError, EngineFailed, MachineLacks, RepositoryDamaged, Unavailable
from backstay.domain.secrets import Secret
from backstay.ports.engine import Repository
from backstay.ports.runner import Command, Finished

_NO_REPOSITORY, _LOCKED, _WRONG_KEY = 10, 11, 12
_NO_REPOSITORY_TEXT = re.compile(
    r"unable to open config file|Is there a repository at|repository does not exist|^Fatal: config cannot be loaded: <",
    re.MULTILINE,
)
_LOCKED_TEXT = re.compile(r"already locked")
_WRONG_KEY_TEXT = re.compile(r"wrong password or no key found")
_FULL = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
_DAMAGE = re.compile(
    r"ciphertext verification failed|invalid data returned|is damaged|Pack ID does not match|hash mismatch"
    r"|not found in (?:the )?(?:repository|any index|index)|StreamPack|unexpected file size|Unmarshal:"
    r"|repository contains errors|LoadIndex returned errors"
    r"|pack [0-9a-f]{64}.* does not exist|Load\(<.*(?:no such file|EOF|404|does not exist)"
)
_REFUSED = re.compile(r"403 Forbidden|\(403\)")
# A place that answers "not there" was reached; these did not get as far.
_UNREACHED = re.compile(
    r"connection refused|connection reset|broken pipe|server closed idle connection|no route to host|no such host"
    r"|i/o timeout|(?:unexpected HTTP response|server response unexpected): ?\(?5\d\d|: EOF$",
    re.MULTILINE,
)
_TEMPORARY = "the folder for temporary files"
_LAST_LINES = 5


def names_damage(text: str) -> bool:
    """Whether restic speaks of stored bytes that are missing or wrong."""
    return bool(_DAMAGE.search(text))


def locked(finished: Finished) -> bool:
    """Whether somebody's lock was in the way."""
    return finished.status == _LOCKED or bool(_LOCKED_TEXT.search(_without_files(finished.err)))


def refused(finished: Finished) -> bool:
    """Whether the place keeps what is stored in it, however often it is asked to give it up."""
    return bool(_REFUSED.search(_without_files(finished.err)))


def names_full_disk(text: str) -> bool:
    return bool(_FULL.search(text))


def full(place: str) -> MachineLacks:
    return MachineLacks(f"no space left in {place}", subject=place, hint="Make room there, then run this again.")


def failure(finished: Finished, command: Command, repository: Repository) -> BackstayError:
    """The error for a command that did not do what was asked of it."""
    subject = _subject(repository)
    said = _without_files(finished.err)
    if finished.status < 0:
        return MachineLacks(
            f"restic was killed by signal {-finished.status} while it worked on {subject}",
            subject=subject,
            hint="Look whether the machine ran out of memory, or somebody stopped it.",
        )
    if finished.status == _WRONG_KEY or _WRONG_KEY_TEXT.search(said):
        hint = "Give the target the password that the repository was made with, or bring back its key file."
        return EngineFailed(f"the key does not open the repository {subject}", subject=subject, hint=hint)
    if locked(finished):
        hint = "It goes on when the lock is free; a lock whose owner is dead is taken away by itself."
        return Unavailable(f"the repository {subject} is locked: {_lock_line(said)}", subject=subject, hint=hint)
    if repository.door is not None and _UNREACHED.search(said):
        last = _last_words(finished, repository)
        hint = f"It is tried again. restic said: {last}"
        return Unavailable(f"the repository {subject} was not reached", subject=subject, hint=hint)
    if finished.status == _NO_REPOSITORY or _NO_REPOSITORY_TEXT.search(said):
        return _no_repository(repository)
    if names_full_disk(said):
        # Through a door restic writes no file but temporary ones, on the machine where it runs.
        return full(repository.store.location if repository.door is None else _TEMPORARY)
    if names_damage(said):
        hint = f"Nothing is expired from it until it is repaired. restic said: {_last_words(finished, repository)}"
        return RepositoryDamaged(f"stored bytes of {subject} are missing or wrong", subject=subject, hint=hint)
    told = f"`{shlex.join(command.argv)}` said: {_last_words(finished, repository)}"
    return EngineFailed(f"restic ended with status {finished.status} on {subject}", subject=subject, hint=told)


def nothing_there(repository: Repository) -> Unavailable:
    hint = "Mount or create the target, or correct its address."
    return Unavailable(f"there is nothing at {repository.store.location}", subject=_subject(repository), hint=hint)


def _no_repository(repository: Repository) -> BackstayError:
    if not repository.store.exists():
        return nothing_there(repository)
    subject, location = _subject(repository), repository.store.location
    hint = f"Its `config` is gone. Bring it back into {location} from another copy of the repository."
    return RepositoryDamaged(f"the repository {subject} has lost its config", subject=subject, hint=hint)


def _subject(repository: Repository) -> str:
    return f"{repository.target}/{repository.name}"


def _without_files(err: str) -> str:
    """Standard error less the messages about source files, whose names may say anything."""
    return "\n".join(line for line in err.splitlines() if '"message_type":"error"' not in line)


def _lock_line(said: str) -> str:
    lines = [line for line in said.splitlines() if "already locked" in line]
    return lines[0].partition("already locked ")[2].strip('"}') if lines else "restic did not say by whom"


def _last_words(finished: Finished, repository: Repository) -> str:
    lines = [line.strip() for line in (finished.err or finished.out).splitlines() if line.strip()]
    text = " | ".join(lines[-_LAST_LINES:]) or "nothing"
    door = (repository.door,) if repository.door else ()
    secrets: tuple[Secret, ...] = (repository.password, *door, *repository.environment.values())
    for secret in secrets:
        text = text.replace(secret.reveal(), "***") if secret.reveal() else text
    return text
