"""The lesson in the running workshop, in a real browser: one sign-in, every cell by keyboard, every run by Airflow."""

from typing import Any

import pytest

import fde.desk
from tests.browser.lab import Notebook, picture, ready
from tests.browser.pictures import Story, keep
from tests.room import ROOT


@pytest.fixture(scope="module")
def outside() -> list[str]:
    """Addresses other than the room's that any page asked for."""
    return []


@pytest.fixture(scope="module")
def context(room: Any, chromium: Any, outside: list[str]) -> Any:
    context = chromium.new_context(viewport={"width": 1280, "height": 860})
    own = (room.url, room.url.replace("http:", "ws:"), "data:", "blob:")
    context.on("request", lambda asked: None if asked.url.startswith(own) else outside.append(asked.url))
    return context


@pytest.fixture(scope="module")
def signed_in(room: Any, context: Any) -> Any:
    """The page that somebody has before them after name, password, Enter. Their desk is as at the first start."""
    desk = room.home / "worlds" / "blue" / "desk"
    fde.desk.start_over(desk.parent)
    (desk / "pipeline.py").write_bytes((ROOT / "solutions" / "mutable.py").read_bytes())
    for words in (["day-1"], ["deploy", "latest"]):
        assert room.script(*words).returncode == 0
    page = context.new_page()
    page.goto(room.url)
    page.fill("#username_input", "blue")
    page.fill("#password_input", room.access["attendees"]["blue"])
    page.keyboard.press("Enter")
    page.wait_for_url("**/user/blue/lab/**", timeout=90_000)
    return page


def test_signing_in_opens_the_lesson_and_nothing_in_front_of_it(signed_in: Any) -> None:
    signed_in.get_by_role("heading", name="Why did yesterday's numbers change?").wait_for(timeout=90_000)
    ready(signed_in)
    assert signed_in.locator("#jp-main-dock-panel .lm-TabBar-tabLabel").all_inner_texts() == ["lesson.ipynb"]
    assert signed_in.locator(".jp-Dialog, .Toastify__toast").count() == 0
    assert signed_in.locator("#jp-main-dock-panel .lm-TabBar-tab.jp-mod-dirty").count() == 0


def test_airflow_opens_signed_in_and_shows_ones_own_dags(room: Any, signed_in: Any, context: Any) -> None:
    page = context.new_page()
    page.goto(f"{room.url}/services/airflow/dags")
    page.get_by_role("link", name="user_data_dag").first.wait_for()
    page.get_by_text("3 Dags", exact=True).wait_for()
    assert page.get_by_role("link", name="user_data_dag").count() == 1
    page.close()


def test_the_lesson_from_the_first_cell_to_the_last(room: Any, signed_in: Any, context: Any) -> None:
    page, story, desk = signed_in, Story(), room.home / "worlds" / "blue" / "desk"
    lesson = Notebook(page, desk / "lesson.ipynb")

    def dashboard(said: str, png: str = "") -> Any:
        cell = lesson.steps_to("dashboard()")
        words, drawn = picture(cell)
        assert said in words
        if png:
            keep(png, drawn)
        return cell

    def other(name: str) -> tuple[Any, Notebook]:
        tab = context.new_page()
        tab.goto(f"{room.url}/user/blue/lab/workspaces/{name}/tree/desk/{name}.ipynb?reset")
        return tab, Notebook(tab, desk / f"{name}.ipynb")

    link = lesson.steps_to("airflow.link()").wait_for_selector("a")
    first = dashboard("silver 1,015.20.\nReceipt: none", "day-1.png")
    story.tell(page, "Day 1. Look at silver: 1,015.", first)
    airflow = context.new_page()
    airflow.goto(room.url + link.get_attribute("href"))
    airflow.get_by_text("process_users_orders").first.wait_for()
    story.tell(airflow, "Airflow runs the pipeline.")
    airflow.close()

    moved = dashboard("On 2022-01-02, 41 orders", "day-2.png")
    story.tell(page, "Day 2. Yesterday's bars moved.", moved)
    asked = lesson.steps_to("!fde diff")
    lesson.says(asked, "what changed? No idea")
    story.tell(page, '"What changed?" - "No idea": yesterday\'s data is gone.', asked, "end")

    dashboard("On 2022-01-02, 40 orders")  # the clock was turned back: day 1 is doubled
    dashboard("On 2022-01-02, 41 orders")
    answer = lesson.steps_to("!fde diff")
    lesson.says(answer, "Oak status silver   gold")
    story.tell(page, '"What changed?" - "Let me check yesterday": Oak, silver to gold.', answer, "end")

    tab, investigation = other("what_changed")
    shown = investigation.steps_to("with desk.plainly():\n    before, after")
    words, drawn = picture(shown)
    assert "gold of 2022-01-01 by +599.50, silver of 2022-01-01 by -599.50" in words
    keep("what-changed.png", drawn)
    story.tell(tab, "Yesterday, with yesterday's users and with today's.", shown)
    tab.close()

    dashboard("bronze 37,621.95")
    dashboard("bronze 37,621.95")  # rolled back, and still there: no history
    fake = dashboard("as of version 3 of sales")
    story.tell(page, "Everything immutable: the bars stand still. Day 3 brings a fake order.", fake)
    back = dashboard("deployed 2022-01-02 = days until 2022-01-02, as of version 3", "rolled-back.png")
    story.tell(page, "roll-back: one pointer, and no data touched.", back)
    dashboard("as of version 4 of sales")
    again = dashboard("2022-01-03: sales v5 from orders v5", "day-4.png")
    story.tell(page, "Day 3 sent again: a new version of an old day.", again)
    dashboard("deployed v3 = days until 2022-01-03")
    dashboard("2022-01-05: sales v6 from orders v6, tax_rates v1")
    lesson.says(lesson.steps_to("question.answer"), "three dots")
    dashboard("2022-01-04: sales v10 from orders v6, tax_rates v5")
    while not lesson.at_end:
        lesson.step()
    story.write()

    tab, chart = other("order_status_chart")
    while not chart.at_end:
        cell = chart.step()
    chart.says(cell, "41 orders brought in 1,970.10")
    tab.close()


def test_no_page_asked_for_anything_outside_the_room(outside: list[str]) -> None:
    assert not outside
