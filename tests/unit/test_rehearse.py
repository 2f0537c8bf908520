"""A rehearsal's numbers: what was measured, what half of the attendees predict, what a mistake says."""

import json
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop import desk
from workshop.rehearse import __main__ as rehearse
from workshop.rehearse import machine
from workshop.rehearse.attendee import AT_LAST, CHART, RUN, STARTED, WRONG, names_of, steps
from workshop.rehearse.embedded import Embedded
from workshop.rehearse.findings import Rehearsal
from workshop.rehearse.forecast import LIMIT_SECONDS, deviation, forecast, holds, left_by_others
from workshop.rehearse.kernel import Said
from workshop.rehearse.misdeeds import HOARD, MISDEEDS, hoards, misdeeds_of
from workshop.rehearse.record import MEASURES, Failure, Memory, Sample, Wave, spread
from workshop.rehearse.table import table

MIB = 2**20


def wave(people: int, room: int = 1000, each: int = 200, run: float = 5.0) -> Wave:
    """So many people, each with so many MiB, whose runs took so many seconds."""
    seconds = {name: [run] * people for name in MEASURES}
    return Wave(people, seconds, samples=[Sample(0.0, Memory(room * MIB, people * each * MIB), 80.0, 0.0)])


# --- what was measured


@given(st.lists(st.floats(0, 1000), min_size=1))
def test_each_number_is_one_that_was_measured(seconds: list[float]) -> None:
    one = spread(seconds)
    assert one and {one.p50, one.p95, one.max} <= set(seconds)
    assert one.p50 <= one.p95 <= one.max == max(seconds) and one.count == len(seconds)
    assert sum(second <= one.p95 for second in seconds) >= 0.95 * len(seconds)
    assert sum(second < one.p95 for second in seconds) < 0.95 * len(seconds)


def test_nothing_has_no_spread() -> None:
    assert spread([]) is None


def test_a_cell_of_three_runs_is_three_waits_that_add_up() -> None:
    said = Said(10.0, [(11.0, f"{STARTED} 2022-01-01 ...\n"), (14.0, f"{STARTED} ..."), (18.0, STARTED)], ended=20.0)
    assert said.between(STARTED) == [4.0, 4.0, 2.0]
    assert Said(10.0, [], ended=12.0).between(STARTED) == [2.0]


def test_every_cell_of_the_lesson_is_worked_through_in_its_step() -> None:
    lesson = json.loads(desk._texts()["lesson.ipynb"])
    found = steps(lesson)
    code = ["".join(cell["source"]) for cell in lesson["cells"] if cell["cell_type"] == "code"]
    assert [cell for cells in found.values() for cell in cells] == code
    assert list(found) == list(range(7))
    assert all(any(RUN in cell for cell in cells) for number, cells in found.items() if number)
    assert any(cell.strip() == CHART for cell in found[4])


def test_a_failed_run_and_a_refused_command_are_seen_and_no_answer_is_none() -> None:
    assert WRONG.search("Airflow imports ...\n   2.5 s  load_users: failed\nload_users failed:\n  pipeline.py, line 3")
    assert WRONG.search("day: 9 is no day of the story. Nothing was changed.\r\n")
    assert not WRONG.search("fde: what changed? No idea: this desk keeps no users of 2022-01-01.\n")
    assert not WRONG.search("   2.5 s  load_users: done\n")


# --- what half of them predict


def test_half_predicts_the_whole_when_each_takes_the_same_and_all_wait_in_turn() -> None:
    said = forecast(wave(2), 4)
    assert said and (said.memory, said.run) == (wave(4).peak.all, 10.0)


def test_what_some_take_on_purpose_is_predicted_by_their_number() -> None:
    assert (hoards(5), hoards(10)) == (0, 1)
    said = forecast(wave(5), 10)
    assert said and said.memory == wave(10).peak.all + HOARD


def test_the_peak_is_that_of_one_moment() -> None:
    half = wave(2)
    half.samples.append(Sample(1.0, Memory(3000 * MIB, 100 * MIB), 1.0, 0.0))
    assert half.peak == Memory(3000 * MIB, 100 * MIB)
    said = forecast(half, 4)
    assert said and said.memory == 3200 * MIB


def test_what_others_took_of_the_processors_is_what_the_rehearsal_did_not() -> None:
    memory = Memory(0, 0)
    one = Wave(1, samples=[Sample(10.0, memory, 90.0, 100.0), Sample(20.0, memory, 90.0, 112.0)])
    assert one.others(cores=2) == pytest.approx(90 - 60)
    alone = Wave(2, samples=[Sample(10.0, memory, 90.0, 100.0), Sample(20.0, memory, 90.0, 118.0)])
    assert left_by_others(one, alone, cores=2) == pytest.approx(0.7), "who has more of the processors waits less"
    assert left_by_others(one, one, cores=2) == 1


def test_nothing_is_predicted_from_nobody_who_came_as_far_as_a_run() -> None:
    assert forecast(Wave(2), 4) is None
    assert holds(Wave(2), Memory(0, 0), 10**9) is None


def test_the_smaller_of_memory_and_wait_says_how_many_people_a_machine_holds() -> None:
    idle = Memory(800 * MIB, 0)
    tight = holds(wave(10, run=1.0), idle, 2000 * MIB)
    assert tight and tight.people == tight.by_memory == int((2000 * 0.9 - 200) / 200)
    slow = holds(wave(10, run=60.0), idle, 10**6 * MIB)
    assert slow and slow.people == slow.by_wait == 10 * LIMIT_SECONDS / 60
    full = holds(wave(10), idle, 0)
    assert full and full.people == 0


def test_a_deviation_is_in_percent_of_what_was_measured() -> None:
    assert (deviation(120, 100), deviation(80, 100)) == (pytest.approx(20), pytest.approx(-20))


# --- who does wrong


def test_of_five_attendees_one_does_three_things_wrong_and_ten_do_all() -> None:
    assert [misdeeds_of(number) for number in range(1, 5)] == [[]] * 4
    assert len(set(misdeeds_of(5))) == 3
    assert {what for number in range(1, 11) for what in misdeeds_of(number)} == set(MISDEEDS)
    assert [misdeeds_of(number) for number in range(100)] == [misdeeds_of(number) for number in range(100)]


def test_names_are_those_of_made_up_attendees() -> None:
    assert names_of(2) == ["rehearsal-1", "rehearsal-2"]
    assert AT_LAST[-1] == "!fde steps"


# --- what is told


def test_table_and_json_tell_all_of_it() -> None:
    half, everybody = wave(2), wave(4)
    everybody.failures.append(Failure("rehearsal-3", "step 4", "airflow.run()", "load_users: failed\nline 3"))
    everybody.misdeeds.append(("rehearsal-1", "300 MB"))
    everybody.seconds["chart"] = []
    found = Rehearsal(False, True, "PSS", 2, [], Memory(800 * MIB, 0), 9000 * MIB, [half, everybody]).found()
    found = json.loads(json.dumps(found))
    assert found["failed"] == 1 and found["waves"][1]["seconds"]["chart"] is None
    assert found["forecast"]["memory_mib"] == {**found["forecast"]["memory_mib"], "deviation_percent": 0}
    told = table(found)
    for words in (*MEASURES, "rehearsal-3, step 4, airflow.run()", "line 3", "300 MB", "predicted", "holds about"):
        assert words in told, words


def test_one_person_predicts_nothing() -> None:
    found = Rehearsal(False, True, "PSS", 2, [], Memory(0, 0), 9000 * MIB, [wave(1)]).found()
    assert found["forecast"] is None
    assert "predicted" not in table(found)


# --- what somebody has to change first


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "N"),
        (["0"], "'0' is no number of people"),
        (["-1"], "-1"),
        (["many"], "'many' is no number of people"),
        (["2", "--heavy"], "scripts/rehearse: unrecognized arguments: --heavy"),
        (["2", "--json", "/nowhere/x.json"], "/nowhere/x.json: there is no such folder"),
        (["99999"], "99999 people need about"),
    ],
)
def test_a_mistake_is_one_line(
    words: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("FDE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("FDE_WORLD", raising=False)
    assert rehearse.main(words) == 2
    told = capsys.readouterr()
    assert said in told.err and len(told.err.splitlines()) == 1 and not told.out
    assert not list(tmp_path.iterdir())


def test_a_second_rehearsal_waits_for_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FDE_HOME", str(tmp_path / "home"))
    for _ in range(2):  # what is held is given back
        with machine.only_one(Embedded()):
            assert rehearse.main(["2"]) == 2
        assert f"another rehearsal is running: it has {tmp_path / 'home-rehearsal'}" in capsys.readouterr().err


def test_without_the_programs_of_a_cluster_the_way_to_them_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FDE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", "/usr/bin/nowhere")
    assert rehearse.main(["2", "--kind"]) == 2
    assert "docker, kind" in (said := capsys.readouterr().err) and "scripts/doctor" in said


def test_the_room_of_a_rehearsal_lies_beside_the_real_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FDE_HOME", str(tmp_path / "home"))
    room = Embedded()
    own = room.environment()
    assert Path(own["FDE_HOME"]).parent == room.folder == tmp_path / "home-rehearsal"
    assert own["FDE_CLUSTER"] == "workshop-rehearsal" and Path(own["KUBECONFIG"]).parent == room.folder
    with socket.create_server(("127.0.0.1", int(own["FDE_PORT"]))):
        pass
