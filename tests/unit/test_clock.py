"""The clock: the value and its rule."""

import pytest

from fde.clock import Clock, settle
from fde.refused import Refused

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
