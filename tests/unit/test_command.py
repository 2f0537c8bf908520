"""The command `fde`: what it prints, and how it refuses."""

from collections.abc import Callable

import pytest

from fde.__main__ import main
from tests.conftest import Attendee

Make = Callable[..., Attendee]


def fde(one: Attendee, line: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = main(line.split(), lambda: one.world)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_day_is_run_and_shown_with_its_receipt(attendee: Make, capsys: pytest.CaptureFixture[str]) -> None:
    one = attendee()
    code, out, _ = fde(one, "run", capsys)
    assert code == 0
    assert [line.split()[:2] for line in out.splitlines()[:3]] == [
        ["2022-01-01", "load_users"],
        ["2022-01-01", "load_orders"],
        ["2022-01-01", "process_users_orders"],
    ]
    code, out, _ = fde(one, "show", capsys)
    assert code == 0
    assert "2022-01-01 silver      14        31 1,015.20" in out
    assert "On 2022-01-01, 39 orders brought in 1,803.60" in out
    assert "deployed latest = days until 2022-01-01, as of version 1 of sales" in out


def test_a_held_room_and_its_message_are_told_as_text(attendee: Make, capsys: pytest.CaptureFixture[str]) -> None:
    one = attendee()
    one.run(1, 2)
    assert "held" not in fde(one, "show", capsys)[1]
    one.room |= {"hold": one.pack.days[0], "message": "<b>Coffee</b>\n\x1b[31mat ten\x1b]0;x\x07 "}
    code, out, _ = fde(one, "show", capsys)
    assert code == 0
    assert out.splitlines()[:2] == [
        "The clock says 2022-01-01, day 1 of the story. Deployed: latest. The room is held at day 1.",
        "Message to the room: <b>Coffee</b> [31mat ten ]0;x",
    ]
    for line in ("run --day 2", "run --day 2022-01-05"):
        code, _, said = fde(one, line, capsys)
        assert code == 2
        assert "has not happened yet. The room is held at day 1, 2022-01-01." in said
    assert fde(one, "run", capsys)[0] == 0


def test_versions_lists_what_each_import_read(attendee: Make, capsys: pytest.CaptureFixture[str]) -> None:
    one = attendee()
    assert "keeps no history" in fde(one, "versions", capsys)[1]
    one.run(1, 2)
    lines = fde(one, "versions", capsys)[1].splitlines()
    assert [line.split("  ")[:4] for line in lines] == [
        ["v1", "day 2022-01-01", "4 rows", "from orders v1, users v1"],
        ["v2", "day 2022-01-02", "4 rows", "from orders v2, users v2"],
    ]


def test_diff_names_the_user_and_the_money(attendee: Make, capsys: pytest.CaptureFixture[str]) -> None:
    one = attendee("immutable_users")
    one.run(1, 2)
    for order in ("2022-01-01 2022-01-02", "2022-01-02 2022-01-01", "1 2", "2 2022-01-01"):
        _, out, _ = fde(one, f"diff {order}", capsys)
        assert "Oak status silver   gold" in out
        assert "gold    59.85 659.35  599.50" in out
        assert "silver 1,015.20 415.70 -599.50" in out


def test_start_over_says_where_the_former_desk_is(attendee: Make, capsys: pytest.CaptureFixture[str]) -> None:
    one = attendee()
    assert f"{one.path}/kept/1" in fde(one, "start-over", capsys)[1]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("show", "nothing to show yet"),
        ("run --day 2022-01-02", "has not happened yet"),
        ("run --day 2022-01-00", "is no date"),
        ("run --day 2", "2022-01-02 has not happened yet"),
        ("run --day 9", "'9' is no date"),
        ("diff 2022-01-01 2022-01-02", "No idea: this desk keeps no users of 2022-01-01"),
        ("diff 2022-01-01 2022-02-02", "2022-02-02 is not a day of the story"),
    ],
)
def test_a_mistake_is_one_message_on_stderr_and_exit_2(
    line: str, says: str, attendee: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = fde(attendee("mutable"), line, capsys)
    assert (code, out) == (2, "")
    assert err.startswith("fde: ")
    assert says in err
    assert "Traceback" not in err
