"""The packs that the check tries a pipeline on, and how a verdict is shown."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fde.check import make_packs
from fde.check.judged import FAILS, Difference, Hint, Judged, differences
from fde.check.verdict import Verdict
from fde.pack import Pack
from tests.conftest import SHOP

LAW = Judged(
    "order",
    "days in any order",
    FAILS,
    "A <b>line</b> of pipeline.py",
    "2022-01-01",
    (Difference("2022-01-01", "<gold>", {"orders": 1, "revenue_cents": 12345678, "tax_cents": None}, None),),
    2,
    Hint("Look & see.", 3, 'x = "<y>"'),
)


@pytest.mark.parametrize("with_ids", [True, False])
def test_one_day_is_sent_again_with_an_order_of_another_day_and_one_like_it(
    with_ids: bool, tmp_path: Path, shop: Path
) -> None:
    if not with_ids:
        for file in shop.glob("orders*"):
            file.write_text("".join(line.rpartition(",")[0] + "\n" for line in file.read_text().splitlines()))
    days = Pack(shop).days
    assert make_packs(Pack(shop), days, tmp_path) == days[2]
    plain, resent = Pack(tmp_path / "plain"), Pack(tmp_path / "resent")
    for pack in (plain, resent):
        assert all(pack.rows("orders", day, days[-1]).equals(pack.rows("orders", day, day)) for day in days)
    for day in days:
        before, after = (pack.rows("orders", day, day).to_pandas() for pack in (plain, resent))
        if day != days[2]:
            assert after.equals(before)
            continue
        assert after[:-2].equals(before)
        once_more, like_it = after.iloc[-2], after.iloc[-1]
        other = plain.rows("orders", days[1], days[1]).to_pandas()
        assert (other == once_more).all(axis="columns").any()
        names = ["sales_date", "quantity", "revenue_cents", "user_id"]
        assert once_more[names].equals(like_it[names]) or (once_more[names] == like_it[names]).all()
        assert not with_ids or once_more["order_id"] != like_it["order_id"]


def test_the_real_pack_is_never_written(tmp_path: Path) -> None:
    before = {file: file.read_bytes() for file in SHOP.iterdir()}
    make_packs(Pack(SHOP), Pack(SHOP).days, tmp_path)
    assert {file: file.read_bytes() for file in SHOP.iterdir()} == before


def test_rows_differ_by_date_and_status() -> None:
    def row(status: str, orders: int) -> dict[str, object]:
        return {"sales_date": "2022-01-01", "status": status, "orders": orders}

    found = differences([row("a", 1), row("b", 1), row("c", 1)], [row("b", 1), row("c", 2), row("d", 1)])
    assert [(one.status, one.expected, one.actual) for one in found] == [
        ("a", {"orders": 1}, None),
        ("c", {"orders": 1}, {"orders": 2}),
        ("d", None, {"orders": 1}),
    ]


SHOWN: dict[str, Callable[[Verdict], str]] = {"text": str, "repr": repr, "html": lambda verdict: verdict._repr_html_()}


@pytest.mark.parametrize("how", SHOWN)
def test_a_verdict_says_all_of_it_by_words(how: str) -> None:
    text = SHOWN[how](Verdict("abc", ("2022-01-01", "2022-01-02"), (LAW,)))
    for words in (
        "✗ fails",
        "orders 1, revenue 123,456.78",
        "no such row",
        "and 2 more",
        "pipeline.py, line 3",
        "title",
    ):
        assert words in text
    assert "color" not in text
    assert ("<gold>" in text) == (how != "html")
    assert ("&lt;gold&gt;" in text and "A &lt;b&gt;line" in text and "Look &amp; see." in text) == (how == "html")


def test_as_json_nothing_is_lost() -> None:
    said = json.loads(Verdict("abc", ("2022-01-01",), (LAW,)).json())
    assert said["laws"][0]["hint"] == {"words": "Look & see.", "line": 3, "text": 'x = "<y>"'}
    assert said["laws"][0]["rows"][0]["expected"]["revenue_cents"] == 12345678
