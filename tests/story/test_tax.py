"""Tax is data: an order is taxed by the rate of the date it was made, and no list of rates changes what was shown."""

import csv
import difflib
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pandas as pd
import pytest

from fde import lake
from fde.chart import in_units, table
from fde.refused import Refused
from tests.conftest import ROOT, SHOP, Attendee

Make = Callable[..., Attendee]
DAYS = [f"2022-01-0{n}" for n in range(1, 6)]
RATES = "valid_from,percent\n"


def owed(*files: str, rates: dict[str, int], pack: Path = SHOP) -> dict[str, int]:
    """Tax in cents by the date of the orders, reckoned from the files in another way than the pipeline does."""
    tax: dict[str, int] = {}
    for file in files:
        for order in csv.DictReader((pack / file).read_text().splitlines()):
            percent = rates[max(date for date in rates if date <= order["sales_date"])]
            cents = (Decimal(order["revenue"]) * percent).quantize(Decimal(1), ROUND_HALF_UP)
            tax[order["sales_date"]] = tax.get(order["sales_date"], 0) + int(cents)
    return tax


def tax(rows: pd.DataFrame) -> dict[str, int]:
    return {str(day): int(cents) for day, cents in rows.groupby("sales_date")["tax_cents"].sum().items()}


def of(rows: pd.DataFrame, day: int, status: str) -> object:
    return rows.set_index(["sales_date", "status"])["tax_cents"][(DAYS[day - 1], status)]


def without_late_orders(shop: Path) -> None:
    file = shop / "orders_day-5.csv"
    file.write_text("".join(line for line in file.read_text().splitlines(True) if "2022-01-04" not in line))


def test_each_order_is_taxed_by_the_rate_of_its_date_also_a_late_one(attendee: Make) -> None:
    one = attendee("taxed")
    one.run(1, 2, 3, 4)
    before = one.shown()
    one.run(5)
    files = [f"orders_day-{n}.csv" for n in range(1, 6)]
    assert tax(one.shown()) == owed(*files, rates={"2020-01-01": 10, "2022-01-05": 20})
    assert of(one.shown(), 4, "bronze") == of(before, 4, "bronze") + 1_170, (
        "117.00 arrived late: the old rate, 10 percent"
    )


def test_half_a_cent_goes_up_order_by_order(attendee: Make, shop: Path) -> None:
    revenues = ["24.85", "24.85", "24.84", "0.05", "0.04", "0"]
    orders = "".join(f"2022-01-01,1,{revenue},1\n" for revenue in revenues)
    (shop / "orders_day-1.csv").write_text(f"sales_date,quantity,revenue,user_id\n{orders}")
    one = attendee("taxed", pack=shop)
    one.run(1)
    assert tax(one.shown()) == {DAYS[0]: 249 + 249 + 248 + 1 + 0 + 0}


def test_a_new_list_of_rates_changes_no_receipt_of_a_day_before(attendee: Make, shop: Path) -> None:
    without_late_orders(shop)
    (shop / "tax_rates_day-5.csv").write_text(f"{RATES}2020-01-01,50\n2022-01-02,60\n")
    one = attendee("taxed", pack=shop)
    one.run(1, 2, 3, 4)
    seen = one.shown()
    one.run(5)
    rows = one.shown()
    assert rows[rows["sales_date"] < DAYS[4]].reset_index(drop=True).equals(seen)
    assert tax(rows)[DAYS[4]] == owed("orders_day-5.csv", rates={"2020-01-01": 60}, pack=shop)[DAYS[4]]
    assert one.shown(deployed="v4").equals(seen)


def test_the_same_list_sent_again_with_other_rates_is_a_new_version_of_its_day_alone(
    attendee: Make, shop: Path
) -> None:
    (shop / "tax_rates_day-2.from-4.csv").write_text(f"{RATES}2020-01-01,50\n")
    one = attendee("taxed", pack=shop)
    one.run(1, 2, 3, 4)
    seen = one.shown()
    one.again(2)
    rows = one.shown()
    assert tax(rows)[DAYS[1]] == owed("orders_day-2.csv", rates={"2020-01-01": 50})[DAYS[1]] + 1_499, "and a late order"
    others = [frame[frame["sales_date"] != DAYS[1]].reset_index(drop=True) for frame in (seen, rows)]
    assert others[0].equals(others[1])
    assert one.shown(deployed="v4").equals(seen)


@pytest.mark.parametrize("order", [(5, 4, 3, 2, 1), (3, 5, 5, 1, 3, 4, 2)])
def test_days_in_any_order_and_again_end_the_same(order: tuple[int, ...], attendee: Make, shop: Path) -> None:
    for number in range(1, 6):  # lists that contradict one another: which one is taken makes a difference
        (shop / f"tax_rates_day-{number}.csv").write_text(f"{RATES}2020-01-01,{10 * number}\n")
    straight, other = (attendee("taxed", pack=shop, name=name) for name in ("blue", "green"))
    for one, numbers in ((straight, (1, 2, 3, 4, 5)), (other, order)):
        one.own["day"] = DAYS[4]
        for number in numbers:
            one.again(number)
        assert [lake.newest(one.world.lake, name) for name in ("tax_rates", "sales")] == [5, 5], "again: no new version"
    assert other.shown().equals(straight.shown())


def test_what_nobody_computed_is_unknown_and_never_zero(attendee: Make) -> None:
    one = attendee("functional")
    one.run(1, 2, 3, 4)
    seen = one.shown()
    assert "tax_cents" not in seen
    one.uses("taxed")
    one.run(5)
    rows = one.shown()
    assert rows["tax_cents"].isna().tolist() == (rows["sales_date"] < DAYS[4]).tolist(), (
        "also that of 3 and 1 known parts"
    )
    assert table(rows)["tax"].tolist() == ["unknown"] * 4 + ["394.02"]
    assert in_units(rows)["tax"].tolist() == ["unknown"] * 14 + ["287.02", "50.80", "56.20"]
    assert one.shown(deployed="v4").equals(seen), "before anybody asked for taxes there is no column of them"


def test_a_day_without_orders_has_no_tax(attendee: Make, shop: Path) -> None:
    (shop / "orders_day-1.csv").write_text("sales_date,quantity,revenue,user_id\n")
    one = attendee("taxed", pack=shop)
    one.run(1)
    assert one.shown().empty
    one.run(2)
    assert set(one.shown()["sales_date"]) == {DAYS[1]}


def test_an_order_older_than_all_rates_is_refused_and_no_sales_are_written(attendee: Make, shop: Path) -> None:
    (shop / "tax_rates_day-1.csv").write_text(f"{RATES}2022-01-02,10\n")
    one = attendee("taxed", pack=shop)
    with pytest.raises(
        Refused, match=r"pipeline.py, line \d+, in percent_on.*\n.*an order of 2022-01-01, but no tax rate"
    ):
        one.run(1)
    assert lake.newest(one.world.lake, "sales") == 0


def test_a_pack_without_tax_rates_is_for_pipelines_that_ask_for_none(attendee: Make, shop: Path) -> None:
    for file in shop.glob("tax_rates_*"):
        file.unlink()
    attendee("functional", pack=shop, name="blue").run(1, 2)
    with pytest.raises(Refused, match="in load_orders: .*\n.*the source sent no tax_rates for 2022-01-01"):
        attendee("taxed", pack=shop, name="green").run(1)


def test_a_list_of_rates_belongs_to_its_day(attendee: Make) -> None:
    one = attendee("taxed")
    one.run(4, 5)
    assert one.world.read("tax_rates", day=DAYS[3]).values.tolist() == [["2020-01-01", 10]]
    assert one.world.read("tax_rates", day=DAYS[4]).values.tolist() == [["2020-01-01", 10], ["2022-01-05", 20]]
    assert [made.read["tax_rates"] for made in one.world.sales()[1].commits] == [1, 2]


def test_taxed_adds_lines_to_functional_and_takes_none_away() -> None:
    functional, taxed = (
        (ROOT / "solutions" / f"{stage}.py").read_text().splitlines()[1:] for stage in ("functional", "taxed")
    )
    signs = [line[0] for line in difflib.ndiff(functional, taxed)]
    assert "-" not in signs
    assert signs.count("+") <= 20
