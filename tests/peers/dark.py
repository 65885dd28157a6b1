"""Name servers that take every question and answer none, and a command that knows no others."""

import contextlib
import subprocess

from tests.peers.stage import sudo

SERVERS = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
ASIDE = 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"'
SILENT = "import socket, sys, time\nkept = [socket.socket(type=socket.SOCK_DGRAM) for a in sys.argv[1:]]\n" + (
    "for s, a in zip(kept, sys.argv[1:]):\n    s.bind((a, 53))\nprint('silent', flush=True)\nsys.stdin.read()\n"
)


class PortTaken(Exception):
    """Somebody else answers names on this machine."""


@contextlib.contextmanager
def silent_servers(folder):
    """Three name servers, and the resolv.conf that names them."""
    silent = subprocess.Popen(
        sudo("python3", "-c", SILENT, *SERVERS), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        if silent.stdout.readline().strip() != "silent":
            raise PortTaken
        path = folder / "resolv.conf"
        path.write_text("".join(f"nameserver {address}\n" for address in SERVERS))
        yield path
    finally:
        silent.communicate()


def command(resolv_conf, *words):
    """This command, with that resolv.conf; needs root."""
    return sudo("unshare", "-m", "sh", "-c", ASIDE, "sh", resolv_conf, *words)
