"""The pack: what the source systems deliver, and each way in which a file can be wrong."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from fde.pack import Pack
from fde.refused import Refused

DAY_1, DAY_2, DAY_3, DAY_4 = (f"2022-01-0{n}" for n in (1, 2, 3, 4))


def test_days_come_from_the_files_when_there_is_no_pack_toml(shop: Path) -> None:
    (shop / "pack.toml").unlink()
    assert Pack(shop).days == ["2022-01-01", "2022-01-02", "2022-01-03", "2022-01-04", "2022-01-05"]


def test_pack_toml_may_name_other_dates(shop: Path) -> None:
    (shop / "pack.toml").write_text(
        'title = "Leap"\ndays = ["2024-02-28", "2024-02-29", "2024-03-01", "2024-03-04", "2024-03-05"]'
    )
    assert Pack(shop).days[1] == "2024-02-29"
    assert Pack(shop).title == "Leap"


def test_day_3_is_sent_again_from_day_4_on() -> None:
    pack = Pack(Path(__file__).parents[2] / "sources" / "shop")
    asked_on_day_3 = pack.rows("orders", DAY_3, DAY_3)
    asked_on_day_4 = pack.rows("orders", DAY_3, DAY_4)
    assert len(asked_on_day_3) == len(asked_on_day_4) + 1


def test_money_is_counted_in_whole_cents(shop: Path) -> None:
    header = "sales_date,quantity,revenue,user_id\n"
    (shop / "orders_day-1.csv").write_text(header + "2022-01-01,1,0.1,1\n2022-01-01,1,0.29,1\n2022-01-01,1,7,1\n")
    assert Pack(shop).rows("orders", DAY_1, DAY_1)["revenue_cents"].to_pylist() == [10, 29, 700]


def test_order_id_may_be_missing(shop: Path) -> None:
    (shop / "orders_day-1.csv").write_text("sales_date,quantity,revenue,user_id\n2022-01-01,1,10.00,1\n")
    assert "order_id" not in Pack(shop).rows("orders", DAY_1, DAY_1).column_names


def test_blanks_around_values_are_taken_off(shop: Path) -> None:
    (shop / "orders_day-1.csv").write_text(" sales_date, quantity,revenue ,user_id\n 2022-01-01,  2,\t10.00 , 1\n")
    assert Pack(shop).rows("orders", DAY_1, DAY_1).to_pylist() == [
        {"sales_date": "2022-01-01", "quantity": 2, "revenue_cents": 1000, "user_id": 1}
    ]


def test_files_of_other_systems_are_read_too(shop: Path) -> None:
    file = shop / "users_day-1.csv"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n") + b"\r\n\r\n")
    assert len(Pack(shop).rows("users", DAY_1, DAY_1)) == 30


def test_quoted_names_and_values_are_read(shop: Path) -> None:
    (shop / "users_day-1.csv").write_text('"user_id","name","status"\n"1","Ash, the tall","gold"\n')
    assert Pack(shop).rows("users", DAY_1, DAY_1).to_pylist() == [
        {"user_id": 1, "name": "Ash, the tall", "status": "gold"}
    ]


def test_a_day_without_orders_is_legal(shop: Path) -> None:
    (shop / "orders_day-1.csv").write_text("sales_date,quantity,revenue,user_id\n")
    assert len(Pack(shop).rows("orders", DAY_1, DAY_1)) == 0


def line(text: str, number: int, old: str, new: str) -> str:
    lines = text.splitlines(keepends=True)
    assert old in lines[number - 1], lines[number - 1]
    lines[number - 1] = lines[number - 1].replace(old, new, 1)
    return "".join(lines)


#: what is wrong -> (file, how it is spoiled, what the message must say)
SPOILED: dict[str, tuple[str, Callable[[str], str], tuple[str, ...]]] = {
    "empty file": ("orders", lambda text: "", ("empty", "sales_date,quantity,revenue,user_id")),
    "missing column": (
        "users",
        lambda text: re.sub(",[^,]*$", "", text, flags=re.M),
        ("'status' is missing",),
    ),
    "another column": ("orders", lambda text: text.replace("revenue", "income", 1), ("line 1", "'income' is unknown")),
    "semicolons": ("orders", lambda text: text.replace(",", ";"), ("line 1", "semicolons")),
    "capitals": ("orders", lambda text: text.replace("revenue", "Revenue"), ("line 1", "'Revenue'", "small letters")),
    "comma at the end": ("users", lambda text: text.replace("status\n", "status,\n", 1), ("line 1", "comma too many")),
    "decimal comma": (
        "orders",
        lambda text: line(text, 2, "78.00", '"78,00"'),
        ("line 2", "revenue", "like 12.50"),
    ),
    "extra column": ("users", lambda text: text.replace("status\n", "status,age\n", 1), ("line 1", "'age' is unknown")),
    "column twice": (
        "users",
        lambda text: text.replace("status\n", "status,name\n", 1),
        ("line 1", "'name' stands twice"),
    ),
    "no date": (
        "orders",
        lambda text: line(text, 3, "2022-01-01", "2022-01-00"),
        ("line 3", "sales_date", "2022-01-00"),
    ),
    "another date form": (
        "orders",
        lambda text: line(text, 3, "2022-01-01", "01.01.2022"),
        ("line 3", "sales_date", "01.01.2022"),
    ),
    "text for a number": ("orders", lambda text: line(text, 3, ",1,", ",one,"), ("line 3", "quantity", "'one'")),
    "third decimal": (
        "orders",
        lambda text: line(text, 2, "78.00", "78.005"),
        ("line 2", "revenue", "78.005", "2 decimals"),
    ),
    "negative quantity": ("orders", lambda text: line(text, 2, ",2,", ",-2,"), ("line 2", "quantity", "'-2'")),
    "negative revenue": ("orders", lambda text: line(text, 2, "78.00", "-78.00"), ("line 2", "revenue", "-78.00")),
    "a number too large": ("orders", lambda text: line(text, 2, "78.00", "9" * 30), ("line 2", "revenue", "9" * 30)),
    "order twice": ("orders", lambda text: line(text, 3, "1002", "1001"), ("line 3", "order_id", "1001", "twice")),
    "user twice": ("users", lambda text: line(text, 3, "2,", "1,"), ("line 3", "user_id", "'1'", "twice")),
    "user without a number": ("users", lambda text: line(text, 3, "2,", ","), ("line 3", "user_id", "''")),
    "unknown user": (
        "orders",
        lambda text: line(text, 2, ",3,", ",999,"),
        ("line 2", "user_id", "'999'", "users_day-1.csv"),
    ),
    "more than all": ("tax_rates", lambda text: line(text, 2, "10", "101"), ("line 2", "percent", "'101'", "0 to 100")),
    "half a percent": ("tax_rates", lambda text: line(text, 2, "10", "7.5"), ("line 2", "percent", "'7.5'", "whole")),
    "less than nothing": ("tax_rates", lambda text: line(text, 2, "10", "-1"), ("line 2", "percent", "'-1'")),
    "no percent": ("tax_rates", lambda text: line(text, 2, "10", ""), ("line 2", "percent", "''")),
    "valid from no date": (
        "tax_rates",
        lambda text: line(text, 2, "2020-01-01", "2020-02-30"),
        ("line 2", "valid_from"),
    ),
    "two rates of a date": ("tax_rates", lambda text: text + "2020-01-01,20\n", ("line 3", "valid_from", "twice")),
    "half a line": ("orders", lambda text: text[: text.rindex(",") - 4], ("line 40", "values where")),
    "blank line": ("orders", lambda text: text.replace("\n", "\n\n", 1), ("line 2",)),
    "an open quote": ("orders", lambda text: line(text, 3, "2022", '"2022'), ("line 3", "quote")),
}


@pytest.mark.parametrize("case", SPOILED)
def test_a_bad_row_is_refused_with_its_place_and_reason(case: str, shop: Path) -> None:
    source, spoil, says = SPOILED[case]
    file = shop / f"{source}_day-1.csv"
    file.write_text(spoil(file.read_text()))
    with pytest.raises(Refused) as refused:
        Pack(shop).rows(source, DAY_1, DAY_1)
    assert str(file) in str(refused.value)
    for words in says:
        assert words in str(refused.value)


def test_a_file_that_is_not_utf_8_is_refused_with_its_line(shop: Path) -> None:
    file = shop / "users_day-1.csv"
    file.write_bytes(file.read_bytes().replace(b"Ash", "Äsh".encode("latin-1")))
    with pytest.raises(Refused, match=r"users_day-1.csv, line 4: not UTF-8"):
        Pack(shop).rows("users", DAY_1, DAY_1)


def test_a_missing_file_is_named(shop: Path) -> None:
    (shop / "orders_day-2.csv").unlink()
    with pytest.raises(Refused, match=r"orders for 2022-01-02: .*orders_day-2.csv is missing"):
        Pack(shop).rows("orders", DAY_2, DAY_2)


def test_a_pack_may_send_no_tax_rates_and_says_so_only_when_asked(shop: Path) -> None:
    for file in shop.glob("tax_rates_*.csv"):
        file.unlink()
    pack = Pack(shop)
    assert len(pack.days) == 5
    assert len(pack.rows("orders", DAY_1, DAY_1)) == 39
    with pytest.raises(Refused, match=r"the source sent no tax_rates for 2022-01-01: .*tax_rates_day-1.csv is missing"):
        pack.rows("tax_rates", DAY_1, DAY_1)


@pytest.mark.parametrize("percent", [0, 5, 10, 99, 100])
def test_a_rate_is_a_whole_percent(percent: int, shop: Path) -> None:
    (shop / "tax_rates_day-1.csv").write_text(f"valid_from,percent\n2020-01-01,{percent}\n")
    rows = Pack(shop).rows("tax_rates", DAY_1, DAY_1).to_pylist()
    assert rows == [{"valid_from": "2020-01-01", "percent": percent}]


def test_days_with_a_gap_are_refused(shop: Path) -> None:
    for file in shop.glob("*_day-2.csv"):
        file.unlink()
    with pytest.raises(Refused, match="there is a day 5 but no day 2"):
        _ = Pack(shop).days


@pytest.mark.parametrize(
    ("days", "says"),
    [
        ('["2022-01-01"]', "lists 1 dates, but the files go to day 5"),
        ('["2022-01-01", "2022-01-00", "2022-01-03", "2022-01-04", "2022-01-05"]', "'2022-01-00' is not a date"),
        ('["2022-01-02", "2022-01-01", "2022-01-03", "2022-01-04", "2022-01-05"]', "must go forward"),
        ('"2022-01-01"', "must be a list"),
        ("[", "pack.toml"),
    ],
)
def test_a_wrong_pack_toml_is_refused(days: str, says: str, shop: Path) -> None:
    (shop / "pack.toml").write_text(f"days = {days}")
    with pytest.raises(Refused, match=says):
        _ = Pack(shop).days


@pytest.mark.parametrize("folder", ["nowhere", "."])
def test_a_folder_that_is_no_pack_is_refused(folder: str, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=str(tmp_path)):
        _ = Pack(tmp_path / folder).days
