"""The notebooks, run from top to bottom as an attendee would; without Airflow, whose runs go through `fde.run` too."""

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import jupytext
import nbclient
import pytest
from jupyter_client import KernelManager
from nbformat import NotebookNode

import fde.run
from fde.pack import Pack
from workshop import clock, desk

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "sources" / "shop"
FDE = f"""#!{sys.executable}
import sys
from workshop.desk import fde_command
sys.exit(fde_command())
"""
HERE = """%reset -f
import os
os.environ |= {here}
os.chdir({desk!r})
"""
WITHOUT_AIRFLOW = """
import fde.run
from workshop import airflow, desk
airflow.run = lambda day=None: fde.run.run(desk.open(), day, tell=print)
"""
AMOUNT = re.compile(r"(?<![\d,])(?:\d{1,3}(?:,\d{3})+|\d+)\.\d\d\b")


@dataclass
class Room:
    """A workshop of one attendee, made of files alone."""

    world: Path
    kernel: KernelManager

    def uses(self, solution: str) -> None:
        (self.world / "desk" / "pipeline.py").write_bytes((ROOT / "solutions" / f"{solution}.py").read_bytes())

    def says(self, **keys: str) -> None:
        for key, value in keys.items():
            (clock.folder(self.world.name) / key).write_text(value)

    def runs(self, *numbers: int) -> None:
        """Let the days pass, and run each."""
        for number in numbers:
            self.says(day=f"2022-01-0{number}")
            fde.run.run(desk.open())

    def opens(self, name: str, before: str = "") -> NotebookNode:
        """A notebook of the desk after Run All Cells; it stops where a person's would."""
        notebook = jupytext.read(self.world / "desk" / f"{name}.ipynb")
        here = {key: value for key, value in os.environ.items() if key.startswith("FDE_") or key == "PATH"}
        source = HERE.format(here=here, desk=str(self.world / "desk")) + before
        notebook.cells.insert(0, NotebookNode(cell_type="code", source=source, metadata={}, outputs=[], id="before"))
        try:
            patient = {"timeout": 200, "iopub_timeout": 60, "raise_on_iopub_timeout": True}
            nbclient.NotebookClient(notebook, km=self.kernel, coalesce_streams=True, **patient).execute()
        except nbclient.exceptions.CellExecutionError as error:
            assert error.ename == "Refused", error
        return notebook


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KernelManager]:
    """One for all: each notebook begins by forgetting what the one before it knew."""
    manager = KernelManager()
    own = {"PYTHONPATH": str(ROOT / "src"), "IPYTHONDIR": str(tmp_path_factory.mktemp("ipython"))}
    manager.start_kernel(env={**os.environ, **own})
    yield manager
    manager.shutdown_kernel(now=True)


def make_room(home: Path, environment: pytest.MonkeyPatch, kernel: KernelManager) -> Room:
    program = home / "bin" / "fde"
    program.parent.mkdir(parents=True)
    program.write_text(FDE)
    program.chmod(0o755)
    environment.setenv("FDE_HOME", str(home))
    environment.setenv("FDE_WORLD", str(home / "worlds" / "blue"))
    environment.setenv("FDE_PACK", str(SHOP))
    environment.setenv("PATH", os.pathsep.join([str(program.parent), str(ROOT / "scripts"), os.environ["PATH"]]))
    clock.set_days(Pack(SHOP).days)
    return Room(desk.make("blue"), kernel)


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel: KernelManager) -> Room:
    return make_room(tmp_path, monkeypatch, kernel)


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory, kernel: KernelManager) -> NotebookNode:
    with pytest.MonkeyPatch.context() as environment:
        room = make_room(tmp_path_factory.mktemp("lesson"), environment, kernel)
        return room.opens("lesson", before=WITHOUT_AIRFLOW)


def texts(cell: NotebookNode) -> list[str]:
    """What a cell shows, as text; of a picture its alt text."""
    shown = []
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            shown.append(output.text)
        elif output.output_type == "error":
            shown += output.traceback
        else:
            alt = re.search(r'<img alt="([^"]*)"', output.data.get("text/html", ""))
            shown.append(unescape(alt[1]) if alt else output.data.get("text/plain", ""))
    return shown


def said(notebook: NotebookNode) -> str:
    return "\n".join(text for cell in notebook.cells for text in texts(cell))


Bars = dict[str, dict[str, str]]


def dashboards(notebook: NotebookNode) -> list[Bars]:
    """The tables beside the charts, in order: day -> column -> text."""
    tables = []
    for cell in notebook.cells:
        for text in texts(cell):
            if text.startswith("status ") and "orders" in text.splitlines()[0]:
                header, _, *lines = text.splitlines()
                rows = [line.split() for line in lines]
                tables.append({row[0]: dict(zip(header.split()[1:], row[1:], strict=True)) for row in rows})
    return tables


def cents(bars: Bars, day: int, column: str) -> int:
    return round(float(bars[f"2022-01-0{day}"][column].replace(",", "")) * 100)


@pytest.fixture(scope="module")
def bars(lesson: NotebookNode) -> dict[str, Bars]:
    names = ("day 1", "day 2", "turned back", "users kept", "fake", "fake, rolled back")
    names += ("functional", "rolled back", "day 4", "day 3 again", "v3", "day 5", "taxed")
    return dict(zip(names, dashboards(lesson), strict=True))


def test_the_lesson_runs_to_its_end(lesson: NotebookNode) -> None:
    assert all(cell.execution_count for cell in lesson.cells if cell.cell_type == "code")
    assert "Traceback" not in said(lesson)


def test_every_amount_the_lesson_states_was_on_screen_or_is_in_a_source_file(lesson: NotebookNode) -> None:
    orders = [line.split(",") for file in SHOP.glob("orders_*.csv") for line in file.read_text().splitlines()[1:]]
    sources = "\n".join(f"{float(order[2]):,.2f}" for order in orders)
    stated, seen, before = 0, "", ""
    for cell in lesson.cells:
        if cell.source.startswith("## "):
            seen, before = "", seen  # a step may speak of what the step before it showed
        seen += "\n".join(texts(cell))
        for amount in AMOUNT.findall(cell.source) if cell.cell_type == "markdown" else []:
            stated += 1
            assert amount in AMOUNT.findall(f"{sources}\n{before}\n{seen}"), f"{amount} in: {cell.source}"
    assert stated > 10


def test_yesterdays_bars_move_by_the_same_amount(bars: dict[str, Bars]) -> None:
    moved = {
        status: cents(bars["day 2"], 1, status) - cents(bars["day 1"], 1, status)
        for status in bars["day 1"]["2022-01-01"]
    }
    assert moved == {"bronze": 0, "gold": 59_950, "none": 0, "silver": -59_950, "total": 0, "orders": 0}
    assert bars["users kept"] == bars["day 2"]


def test_turning_the_clock_back_doubles_day_1(bars: dict[str, Bars]) -> None:
    assert all(
        cents(bars["turned back"], 1, column) == 2 * cents(bars["day 1"], 1, column)
        for column in bars["day 1"]["2022-01-01"]
    )
    assert bars["day 2"]["2022-01-02"]["orders"] == "41"
    assert bars["turned back"]["2022-01-02"]["orders"] == "40"


def test_a_mutable_pipeline_cannot_roll_back(bars: dict[str, Bars]) -> None:
    assert bars["fake, rolled back"] == bars["fake"]
    assert cents(bars["fake"], 3, "bronze") > 3_607_200


def test_a_functional_pipeline_shows_each_day_as_it_was(bars: dict[str, Bars]) -> None:
    assert bars["functional"]["2022-01-01"] == bars["day 1"]["2022-01-01"]
    assert bars["functional"]["2022-01-02"] == bars["day 2"]["2022-01-02"]


def test_rolling_back_takes_the_last_day_away_and_nothing_else(bars: dict[str, Bars]) -> None:
    assert bars["rolled back"] == {day: row for day, row in bars["functional"].items() if day < "2022-01-03"}


def test_a_late_order_joins_the_bar_of_its_own_day(bars: dict[str, Bars]) -> None:
    assert cents(bars["day 4"], 2, "silver") - cents(bars["functional"], 2, "silver") == 14_985
    assert bars["day 4"]["2022-01-01"] == bars["functional"]["2022-01-01"]


def test_a_day_sent_again_is_clean_and_its_old_version_stays(bars: dict[str, Bars]) -> None:
    assert cents(bars["day 4"], 3, "bronze") - cents(bars["day 3 again"], 3, "bronze") == 3_607_200
    assert bars["v3"] == bars["functional"]


def test_the_lesson_answers_what_changed(lesson: NotebookNode) -> None:
    first, second, third = (cell for cell in lesson.cells if cell.source.startswith("!fde diff"))
    assert texts(first) == [
        "fde: what changed? No idea: this desk keeps no users of 2022-01-01. (users.csv holds only the last dump.)\r\n"
    ]
    assert re.search(r"Oak +status +silver +gold", texts(second)[0])
    moved = "".join(texts(third)).partition("look different on 2022-01-04: ")[2].splitlines()
    assert moved[0] == "2"
    assert [line.split() for line in moved[2:]] == [
        ["2022-01-02", "silver", "465.40", "615.25", "149.85"],
        ["2022-01-03", "bronze", "37,621.95", "1,549.95", "-36,072.00"],
    ]


def test_the_lesson_taxes_a_late_order_by_the_rate_of_its_own_day(bars: dict[str, Bars]) -> None:
    before, after = bars["day 5"], bars["taxed"]
    assert [row["tax"] for row in before.values()] == ["unknown"] * 4 + ["394.02"]
    assert {day: row | {"tax": ""} for day, row in before.items()} == {d: r | {"tax": ""} for d, r in after.items()}
    assert cents(after, 4, "total") - cents(bars["day 3 again"], 4, "total") == 11_700
    assert all(abs(10 * cents(after, day, "tax") - cents(after, day, "total")) < 300 for day in (1, 2, 3, 4))
    assert cents(after, 5, "tax") * 5 == cents(after, 5, "total")


def test_a_question_that_nobody_answered_says_how(lesson: NotebookNode) -> None:
    asked = [texts(cell) for cell in lesson.cells if cell.source.startswith("question.answer(")]
    assert len(asked) == 3
    assert all(len(said) == 1 and said[0].startswith("Not answered yet.") for said in asked)


def test_the_lesson_shows_both_pipelines_side_by_side(lesson: NotebookNode) -> None:
    (shown,) = (texts(cell) for cell in lesson.cells if cell.source == "solution.twin()")
    assert "as seen each day: mutable, functional." in shown[0]
    assert "Mutable: silver of 2022-01-01 was 1,015.20 when seen on 2022-01-01 and 415.70 when seen on" in shown[0]
    assert shown[0].endswith("Functional: every day shows the same of 2022-01-01.")


def test_delta_alone_keeps_states_until_somebody_cleans_up(lesson: NotebookNode) -> None:
    states, cleaned = (texts(cell) for cell in lesson.cells if "folder.name" in cell.source)
    assert sorted(line.split()[1] for line in states[0].splitlines()[1:]) == ["0", "1", "2", "3"]
    assert cleaned[0].startswith("3 files were deleted.\nVersion 0 can no longer be read: ")


def test_every_picture_has_words_and_nothing_comes_from_a_network(lesson: NotebookNode) -> None:
    html = [
        output.data.get("text/html", "")
        for cell in lesson.cells
        for output in cell.get("outputs", [])
        if "data" in output
    ]
    pictures = [text for text in html if "<img" in text]
    assert len(pictures) == 14
    assert all(
        re.match(r'<img alt="Bar chart[^"]{80,}" width="\d+" src="data:image/png;base64,', text) for text in pictures
    )
    assert not [text for text in html if "http:" in text or "https:" in text]


def test_what_changed_under_mutable_is_one_line_and_no_stop(room: Room) -> None:
    room.runs(1, 2)
    notebook = room.opens("what_changed")
    answers = [text for cell in notebook.cells[3:] for text in texts(cell)]
    assert len(answers) == 3
    assert all(re.fullmatch(r"what changed\? No idea: .*users of 2022-01-01.*\n", answer) for answer in answers)
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")
    assert "Refused" not in said(notebook)


def test_what_changed_with_users_kept_names_the_user_and_the_bars(room: Room) -> None:
    room.uses("immutable_users")
    room.runs(1, 2)
    answer = said(room.opens("what_changed"))
    assert re.search(r"Oak +status +silver +gold", answer)
    assert "as seen on 2022-01-01 and as seen on 2022-01-02. Bars that moved: gold of 2022-01-01 by +599.50" in answer
    assert "silver of 2022-01-01 by -599.50" in answer


def test_what_changed_under_functional_names_the_user_and_no_bar(room: Room) -> None:
    room.uses("functional")
    room.runs(1, 2)
    answer = said(room.opens("what_changed"))
    assert re.search(r"Oak +status +silver +gold", answer)
    assert "No bar moved." in answer


@pytest.mark.parametrize("name", ["what_changed", "order_status_chart"])
def test_on_a_new_desk_a_notebook_stops_with_one_message(room: Room, name: str) -> None:
    notebook = room.opens(name)
    (stop,) = (output for cell in notebook.cells for output in cell.get("outputs", []) if output.output_type == "error")
    assert stop.traceback == [said(notebook).splitlines()[-1]]
    assert re.search("Nothing yet|nothing to show yet", stop.traceback[0])


def test_the_dashboard_says_the_day_what_is_deployed_and_its_receipt(room: Room) -> None:
    room.uses("functional")
    room.runs(1, 2, 3)
    room.says(deployed="2022-01-02")
    notebook = room.opens("order_status_chart")
    assert texts(notebook.cells[2])[0].startswith(
        "The clock says 2022-01-03, day 3 of the story. Deployed: 2022-01-02."
    )
    assert "Receipt: deployed 2022-01-02 = days until 2022-01-02, as of version 3 of sales" in said(notebook)
    assert "On 2022-01-02, 41 orders brought in 2,177.25: bronze 1,290.85, gold 193.30" in said(notebook)
    (table,) = dashboards(notebook)
    assert list(table) == ["2022-01-01", "2022-01-02"]


def test_the_message_to_the_room_is_shown_as_text(room: Room) -> None:
    room.uses("functional")
    room.runs(1)
    words = """<img src=x onerror="alert(1)"> "quoted" 😀"""
    clock.put(None, "message", words)
    clock.put(None, "hold", "2022-01-01")
    for name in ("order_status_chart", "what_changed"):
        notebook = room.opens(name)
        assert f"The room is held at day 1.\nMessage to the room: {words}\n" in said(notebook)
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", []) if "onerror" in str(output)]
        assert [output.output_type for output in outputs] == ["stream"], "not as HTML"


def test_what_changed_tells_a_late_order_and_a_day_sent_again(room: Room) -> None:
    room.uses("functional")
    room.runs(1, 2, 3, 4)
    fde.run.run(desk.open(), "2022-01-03")
    answer = said(room.opens("what_changed"))
    assert "bronze of 2022-01-03 by -36,072.00" in answer
    assert "silver of 2022-01-02 by +149.85" in answer
