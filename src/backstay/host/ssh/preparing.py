"""What a host needs before it can be backed up: said to a person, and never done behind their back."""

from __future__ import annotations

from backstay.domain.estate import Host

from .address import address_of

_KEY = "~/.ssh/backstay_ed25519"
_READER = "/usr/local/lib/backstay/reader"

# The right to run programs, and to have a port of the host's own loopback lead to us; sshd knows no word for "no port
# of theirs", so one is named behind which nothing is.
_OPTIONS = 'restrict,port-forwarding,permitlisten="127.0.0.1:*",permitopen="127.0.0.1:1"'
_FORCED = (
    f"exec {_READER} --inh-caps +dac_read_search --ambient-caps +dac_read_search -- "
    r"sh -c \"$SSH_ORIGINAL_COMMAND\""
)

_ON_BOTH = """\
# 1. On the machine that runs Backstay, as the user who runs it: a key for this, and the host's own key.
#    Compare what the second line prints with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the host.

ssh-keygen -t ed25519 -N '' -f {key}
ssh-keyscan {scan} | tee -a ~/.ssh/known_hosts | ssh-keygen -lf -
printf 'Host {host}\\n  IdentityFile {key}\\n' >>~/.ssh/config
cat {key}.pub
"""

_ORDINARY = """\
# 2. On {name} ({host}), as root: an account that can read every file and change none but its own.
#    Put the line that `cat` printed between the quotes of PUBLIC_KEY.

PUBLIC_KEY=''
useradd --system --create-home --shell /bin/sh {user}
apt install restic libcap2-bin util-linux

#    A private copy of setpriv hands the right to read on to what this key starts, and to nothing else. The trade:
#    whoever holds the key reads everything on this host, as any backup of everything must. To back up only what the
#    account may read anyway (groups, setfacl), leave these three lines and the word command="…" out.

install -d -o root -g {user} -m 0750 /usr/local/lib/backstay
install -o root -g {user} -m 0750 "$(command -v setpriv)" {reader}
setcap cap_dac_read_search+ep {reader}

install -d -o {user} -g {user} -m 0700 ~{user}/.ssh
cat >>~{user}/.ssh/authorized_keys <<END
{options},command="{forced}" $PUBLIC_KEY
END
chown {user}:{user} ~{user}/.ssh/authorized_keys
chmod 0600 ~{user}/.ssh/authorized_keys
"""

_ROOT = """\
# 2. On {name} ({host}), as root. The estate names root: whoever holds the key can change everything there, which an
#    ordinary account could not. Write ssh://backstay@{host} in the estate, and ask again, for the lines that make one.
#    Put the line that `cat` printed between the quotes of PUBLIC_KEY.

PUBLIC_KEY=''
apt install restic
cat >>~root/.ssh/authorized_keys <<END
{options} $PUBLIC_KEY
END
"""

_SSHD = """\
# 3. On {name}, as root: what sshd allows this account. `sshd -t` looks for mistakes before it counts.
#    A job needs up to three sessions. The last two lines have sshd itself notice when we are gone.

cat >/etc/ssh/sshd_config.d/backstay.conf <<END
Match User {user}
  AllowTcpForwarding remote
  GatewayPorts no
  MaxSessions 20
  PermitTTY no
  ClientAliveInterval 10
  ClientAliveCountMax 2
END
sshd -t && systemctl reload ssh

# 4. On the machine that runs Backstay: this must print nothing and end with status 0.

ssh {ssh} true
"""


def preparation(host: Host) -> str:
    """The shell lines that prepare this host, with their reasons."""
    address = address_of(host)
    user = address.user or "backstay"
    words = {
        "name": host.name,
        "host": address.host,
        "user": user,
        "key": _KEY,
        "reader": _READER,
        "scan": address.for_keyscan(),
        "ssh": address.for_ssh(),
        "options": _OPTIONS,
        "forced": _FORCED.replace("$", r"\$"),  # the shell reads this before sshd does
    }
    parts = (_ON_BOTH, _ROOT if user == "root" else _ORDINARY, _SSHD)
    return "\n".join(part.format(**words) for part in parts)
