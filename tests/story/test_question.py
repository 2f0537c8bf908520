"""Questions of the lesson: a right answer is told from a wrong one, with a reason, in any pack."""

from pathlib import Path
from typing import Any

import pytest

from fde.refused import Refused
from workshop import question

DAY_4, DAY_5 = "2022-01-04", "2022-01-05"


@pytest.fixture
def pack(shop: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FDE_PACK", str(shop))
    return shop


def said(capsys: pytest.CaptureFixture[str], name: str, *answer: Any) -> str:
    question.answer(name, *answer)
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("rate", [10, "10", "10 %", 10.0, [10]]),
        ("import", [5, "5", DAY_5]),
        ("again", [[4, 5], (5, 4), "4, 5", [DAY_5, DAY_4], {4, DAY_5}]),
    ],
)
def test_a_right_answer_is_right_however_it_is_written(
    name: str, answers: list[Any], pack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for answer in answers:
        assert said(capsys, name, answer).startswith("Right. ")


@pytest.mark.parametrize(
    ("name", "answer", "because"),
    [
        ("rate", 20, "20 percent is valid on 2022-01-05, when the order arrived"),
        ("rate", 0.1, "which of them was valid on 2022-01-04"),
        ("rate", 5, "which of them was valid on 2022-01-04"),
        ("import", 4, "2022-01-04 is the day it was made"),
        ("import", "yesterday", "On which day did the order arrive"),
        ("again", 4, "one arrived late"),
        ("again", [1, 2, 3, 4, 5], "Those, and no others"),
        ("again", [5], "Those, and no others"),
        ("again", None, "Those, and no others"),
    ],
)
def test_a_wrong_answer_is_not_yet_right_and_gets_a_reason(
    name: str, answer: Any, because: str, pack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = said(capsys, name, answer)
    assert told.startswith("Not yet. ")
    assert because in told


def test_three_dots_are_no_answer(pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "rate", ...) == said(capsys, "rate")
    assert "in place of the three dots" in said(capsys, "rate", ...)


def test_the_answers_are_those_of_the_pack(pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pack / "tax_rates_day-5.csv").write_text("valid_from,percent\n2022-01-05,8\n2020-01-01,7\n")
    file = pack / "orders_day-5.csv"
    file.write_text(file.read_text().replace("2022-01-04,3,117.00", "2022-01-02,3,117.00"))
    assert said(capsys, "rate", 7).startswith("Right. 7 percent was valid on 2022-01-02")
    assert said(capsys, "rate", 10).startswith("Not yet.")
    assert said(capsys, "again", [2, 3, 4, 5]).startswith("Right. Orders made since 2022-01-02")


def test_a_pack_without_a_late_order_or_without_rates_has_nothing_to_ask(pack: Path) -> None:
    file = pack / "orders_day-5.csv"
    file.write_text(file.read_text().replace("2022-01-04,3,117.00", "2022-01-05,3,117.00"))
    with pytest.raises(Refused, match="no order arrives late on a day on which the tax rate changes"):
        question.answer("rate", 10)
    (pack / "tax_rates_day-1.csv").unlink()
    with pytest.raises(Refused, match="the source sent no tax_rates"):
        question.answer("rate", 10)


def test_a_question_that_is_none_is_refused_with_those_there_are(pack: Path) -> None:
    with pytest.raises(Refused, match=r"no question 'rates'\. Questions: rate, import, again"):
        question.answer("rates", 10)
