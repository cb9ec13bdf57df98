"""How targets are written, and what rclone must know to reach each; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from backstay.domain.errors import ConfigError
from backstay.domain.estate import Target

BACKEND = "target"
"""What a target is called in the configuration that rclone gets by its environment."""

_PORT = 22


@dataclass(frozen=True, slots=True)
class Remote:
    """A place as rclone knows it: `root` in a backend with `settings`, none of which is secret.

    With `named` the backend is one of the user's own rclone configuration, and `root` begins with its name.
    """

    scheme: Literal["path", "sftp", "s3", "rclone"]
    root: str
    settings: Mapping[str, str] = field(default_factory=dict)

    def spec(self, *below: str) -> str:
        """The place, or one below it, in rclone's words.

        >>> Remote("s3", "acme/main").spec("restic", "crm")
        'target:acme/main/restic/crm'
        """
        backend = "" if self.scheme == "rclone" else f"{BACKEND}:"
        root = self.root if self.root.endswith((":", "/")) or not below else f"{self.root}/"
        return f"{backend}{root}{'/'.join(below)}"


def remote_of(target: Target) -> Remote:
    """The place that a target's address names; ConfigError if it names none."""
    if target.url.startswith("/"):
        return Remote("path", target.url, {"type": "local"})
    scheme = target.url.partition(":")[0]
    if scheme == "rclone":
        return _named(target)
    if scheme == "sftp":
        return _sftp(target, urlsplit(target.url))
    if scheme == "s3":
        return _s3(target, urlsplit(target.url))
    raise _wrong(target, "Write an absolute path, sftp://user@host/path, s3://bucket/prefix or rclone:remote:path.")


def location_of(target: Target, engine: str, name: str) -> str:
    """The address of one repository, `<url>/<engine>/<name>`; what follows a question mark stays at the end.

    >>> location_of(Target("t", "s3://acme/main?region=x"), "restic", "crm")
    's3://acme/main/restic/crm?region=x'
    """
    place, mark, query = target.url.partition("?") if target.url.startswith("s3:") else (target.url, "", "")
    slash = "" if place.endswith((":", "/")) else "/"
    return f"{place}{slash}{engine}/{name}{mark}{query}"


def _named(target: Target) -> Remote:
    root = target.url.removeprefix("rclone:")
    name, colon, _ = root.partition(":")
    if not colon or not name or name.startswith("-"):
        raise _wrong(target, "Write rclone:remote:path, the remote being one of rclone's configuration.")
    return Remote("rclone", root)


def _sftp(target: Target, url: SplitResult) -> Remote:
    hint = "Write sftp://user@host:port/path; a password or key goes into `credentials`."
    if not url.hostname or not url.path.strip("/") or url.password is not None or url.query:
        raise _wrong(target, hint)
    settings = {"type": "sftp", "host": url.hostname, "port": str(_port(target, url, hint) or _PORT)}
    if url.username:
        settings["user"] = unquote(url.username)
    return Remote("sftp", unquote(url.path), settings)


def _s3(target: Target, url: SplitResult) -> Remote:
    """Without an endpoint it is Amazon's. The bucket is never made: that is its owner's to do, with locks if wanted."""
    asked = {name: values[-1] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
    endpoint, region = asked.pop("endpoint", ""), asked.pop("region", "")
    if not url.hostname or url.username is not None or asked:
        raise _wrong(
            target, "Write s3://bucket/prefix?endpoint=https://host:port&region=name; keys go into `credentials`."
        )
    settings = {"type": "s3", "provider": "Other" if endpoint else "AWS", "no_check_bucket": "true"}
    settings |= {"endpoint": endpoint} if endpoint else {}
    region = region or ("" if endpoint else target.region or "")
    settings |= {"region": region} if region else {}
    if target.lock and endpoint:
        # A locked bucket takes nothing without a checksum, which rclone adds to a stream for Amazon only; parts have
        # one. It gathers a whole pack for that, so what leaves for such a target comes in lumps of 4 MiB.
        settings |= {"upload_cutoff": "0"}
    return Remote("s3", f"{url.netloc}{unquote(url.path)}".rstrip("/"), settings)


def _port(target: Target, url: SplitResult, hint: str) -> int | None:
    try:
        return url.port
    except ValueError:
        raise _wrong(target, hint) from None


def _wrong(target: Target, hint: str) -> ConfigError:
    """Without the address itself, in which somebody may have written a password."""
    return ConfigError(f"the address of the target {target.name} names no place", subject=target.name, hint=hint)
