"""What one start decided: ports, names, pack. Written by `up`, read by the hub's configuration."""

import socket
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from fde.refused import Refused
from workshop.access import read_private, write_private

HERE = "127.0.0.1"
AIRFLOW = "/services/airflow"
BOARD = "/services/board"


@dataclass(frozen=True)
class Plan:
    """One start. Only `port` on `host` is for people; the other ports are the parts' own, on 127.0.0.1."""

    host: str
    port: int
    hub_port: int
    proxy_port: int
    airflow_port: int
    board_port: int
    attendees: list[str]
    pack: str
    given_url: str = ""  # what people type, where the machine cannot know it: in a container

    @property
    def reach(self) -> str:
        """Where this machine reaches the workshop."""
        return f"http://{HERE if self.host == '0.0.0.0' else self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The address to give to people."""
        if self.given_url or self.host != "0.0.0.0":
            return self.given_url or self.reach
        return f"http://{_address_in_the_network()}:{self.port}"

    @property
    def airflow_url(self) -> str:
        """Where the parts reach Airflow; no slash at the end."""
        return f"http://{HERE}:{self.airflow_port}{AIRFLOW}"

    @property
    def board_url(self) -> str:
        """Where this machine reaches the board itself; no slash at the end."""
        return f"http://{HERE}:{self.board_port}"

    def write(self, home: Path) -> None:
        write_private(home / "hub" / "plan.json", asdict(self))


def read(home: Path) -> Plan:
    """The plan of the workshop that runs in `home`. Raises Refused when there is none."""
    try:
        return Plan(**read_private(home / "hub" / "plan.json"))
    except TypeError:
        raise Refused(f"{home}: no plan of a running workshop is there. Start one: scripts/up") from None


def make(host: str, port: int, attendees: list[str], pack: Path, url: str = "") -> Plan:
    """A plan with free ports. Raises Refused when the workshop's own port cannot be had."""
    with ExitStack() as held:
        try:
            _listen(held, host, port)
        except (OSError, OverflowError) as error:
            raise Refused(
                f"port {port} on {host} cannot be used: {getattr(error, 'strerror', error)}. "
                "Take another one: FDE_PORT=8001 scripts/up"
            ) from None
        hub, proxy, airflow, board = (_listen(held, HERE, 0) for _ in range(4))
    return Plan(host, port, hub, proxy, airflow, board, attendees, str(pack), url)


def _listen(held: ExitStack, host: str, port: int) -> int:
    taken = held.enter_context(socket.socket())
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    taken.bind((host, port))
    taken.listen()
    return int(taken.getsockname()[1])


def _address_in_the_network() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:
        try:
            route.connect(("192.0.2.1", 9))  # sends nothing; the system says which of its addresses it would use
        except OSError:
            return HERE
        return str(route.getsockname()[0])
