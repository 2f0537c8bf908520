"""The clock: the value and its rule."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import certifi
import pytest

from fde.clock import Clock, settle
from fde.refused import Refused
from workshop import clock as kept
from workshop import cluster

DAYS = ("2022-01-01", "2022-01-02", "2022-01-05")
ROOM = {"days": "2022-01-01\n2022-01-02\n2022-01-05\n"}


def test_without_any_key_it_is_the_first_day_and_latest() -> None:
    assert settle(ROOM, {}) == Clock(DAYS, "2022-01-01", "latest")


def test_a_key_of_their_own_wins() -> None:
    room = {**ROOM, "day": "2022-01-02", "deployed": "2022-01-01"}
    assert settle(room, {}) == Clock(DAYS, "2022-01-02", "2022-01-01")
    assert settle(room, {"day": "2022-01-05\n"}) == Clock(DAYS, "2022-01-05", "2022-01-01")
    assert settle(room, {"deployed": "v7"}) == Clock(DAYS, "2022-01-02", "v7")


def test_what_is_shown_is_never_later_than_the_clock() -> None:
    assert Clock(DAYS, "2022-01-02").until == "2022-01-02"
    assert Clock(DAYS, "2022-01-02", "2022-01-05").until == "2022-01-02"
    assert Clock(DAYS, "2022-01-05", "2022-01-02").until == "2022-01-02"


@pytest.mark.parametrize("half", ["", "2022", "2022-01-0", "2022-01-00", "2022-01-03", "2022-01-02 2022-01-05", "\x00"])
def test_a_half_written_day_is_refused(half: str) -> None:
    with pytest.raises(Refused, match="no day of the story"):
        settle({**ROOM, "day": half}, {})


@pytest.mark.parametrize("half", ["", "lat", "v", "v0", "v-1", "v1.5", "V3", "7", "2022-01-0"])
def test_a_half_written_pointer_is_refused(half: str) -> None:
    with pytest.raises(Refused, match="neither latest nor a day"):
        settle(ROOM, {"deployed": half})


def test_the_room_cannot_deploy_a_version() -> None:
    with pytest.raises(Refused, match="versions differ from desk to desk"):
        settle({**ROOM, "deployed": "v3"}, {})


def test_a_room_without_days_is_refused() -> None:
    with pytest.raises(Refused, match=r"scripts/up"):
        settle({}, {})


def test_all_clocks_are_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FDE_HOME", str(tmp_path))
    kept.set_days(DAYS)
    kept.put("blue", "day", DAYS[1])
    kept.folder("green-one").mkdir()
    (kept.folder() / ".part").write_text("half")
    assert kept.all_keys() == {None: {"days": ROOM["days"]}, "blue": {"day": DAYS[1]}, "green-one": {}}


def test_a_cluster_is_asked_once_for_all_clocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the label of the chart. A ConfigMap without keys has no `data`, and a list of none may be null."""
    monkeypatch.setenv("FDE_HOME", str(tmp_path))
    asked: list[str] = []

    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802 - as the library calls it
            asked.append(f"{self.path} {self.headers['authorization']}")
            text = json.dumps({"kind": "ConfigMapList", "items": items}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    data = {"clock": {"days": "2022-01-01"}, "clock-blue": {"day": "2022-01-01"}, "clock-green": None}
    items: list[dict[str, object]] | None = [
        {"metadata": {"name": name}, **({"data": keys} if keys else {})} for name, keys in data.items()
    ]
    for name, text in (("namespace", "room"), ("token", "t"), ("ca.crt", Path(certifi.where()).read_text())):
        (tmp_path / name).write_text(text)
    with HTTPServer(("127.0.0.1", 0), Api) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        here = cluster.Cluster(f"http://127.0.0.1:{server.server_address[1]}", tmp_path)
        monkeypatch.setattr(cluster, "here", lambda: here)
        assert kept.all_keys() == {None: {"days": "2022-01-01"}, "blue": {"day": "2022-01-01"}, "green": {}}
        assert asked == ["/api/v1/namespaces/room/configmaps?labelSelector=fde%3Dclock Bearer t"]
        items = None
        assert kept.all_keys() == {}
        server.shutdown()


@pytest.mark.parametrize("hold", DAYS)
@pytest.mark.parametrize("own", [{}, *({"day": day} for day in DAYS)])
def test_no_day_is_past_the_hold_and_none_is_moved_by_it(hold: str, own: dict[str, str]) -> None:
    free = settle(ROOM, own).day
    held = settle({**ROOM, "hold": f"{hold}\n"}, own)
    assert (held.day, held.hold) == (min(free, hold), hold)


@pytest.mark.parametrize("half", ["2", "2022-01-0", "2022-01-03"])
def test_a_half_written_hold_is_refused(half: str) -> None:
    with pytest.raises(Refused, match="no day of the story. Set it again: hold 1"):
        settle({**ROOM, "hold": half}, {})


def test_a_message_is_one_line_whoever_wrote_it() -> None:
    words = 'Ähm 👩\u200d💻: "<b>$HOME\\n</b>"'
    assert settle({**ROOM, "message": f" {words}\n"}, {}).message == words
    assert (
        settle({**ROOM, "message": "a\r\nb\tc\u2028d\x1b[2Je" + "x" * 999}, {}).message
        == ("a b c d [2Je" + "x" * 999)[:300]
    )


def test_incidents_are_those_of_everyone_and_their_own() -> None:
    room = {**ROOM, "incidents": "2022-01-02 late-file *\n\n2022-01-01 fake-order blue\n"}
    assert settle(room, {}, "blue").incidents == (("2022-01-02", "late-file"), ("2022-01-01", "fake-order"))
    assert settle(room, {}, "green").incidents == (("2022-01-02", "late-file"),)
    with pytest.raises(Refused, match="See: incident list"):
        settle({**ROOM, "incidents": "2022-01-02 late-file"}, {}, "blue")
