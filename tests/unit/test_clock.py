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
