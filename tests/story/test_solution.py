"""The way from one stage of the pipeline to the next: a diff to point at, and a last resort that destroys nothing."""

from pathlib import Path

import pytest

from fde.refused import Refused
from workshop import desk, settings, solution

STAGES = ("mutable", "immutable_users", "functional", "taxed")


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FDE_HOME", str(tmp_path))
    monkeypatch.setenv("FDE_WORLD", str(tmp_path / "worlds" / "blue"))
    return desk.make("blue") / "desk" / "pipeline.py"


def code(stage: str) -> list[str]:
    return (settings.root() / "solutions" / f"{stage}.py").read_text().splitlines()


def test_two_lines_make_users_immutable(pipeline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    solution.diff("immutable_users")
    lines = capsys.readouterr().out.splitlines()
    out, into = ([line[1:] for line in lines if line.startswith(sign)] for sign in "-+")
    assert len(out) == len(into) == 2
    text = pipeline.read_text()
    for old, new in zip(out, into, strict=True):
        text = text.replace(old, new)
    pipeline.write_text(text)
    solution.diff("immutable_users")
    assert capsys.readouterr().out == "No line differs: your pipeline.py is immutable_users.\n"


def test_stages_follow_one_another_and_each_former_pipeline_is_kept(pipeline: Path) -> None:
    for stage in STAGES[1:]:
        solution.take(stage)
        assert pipeline.read_text().splitlines() == code(stage)
    kept = sorted(pipeline.parents[1].glob("kept/*"))
    assert [file.read_text().splitlines() for file in kept] == [code(stage) for stage in STAGES[:-1]]


def test_lines_of_ones_own_are_replaced_only_when_told_and_kept_even_then(pipeline: Path) -> None:
    mine = pipeline.read_text() + "\n# mine\n"
    pipeline.write_text(mine)
    solution.take("functional")
    assert pipeline.read_text() == mine
    solution.take("functional", replace_mine=True)
    assert pipeline.read_text().splitlines() == code("functional")
    assert [file.read_text() for file in pipeline.parents[1].glob("kept/*")] == [mine]


def test_taking_what_is_there_already_changes_nothing(pipeline: Path) -> None:
    pipeline.write_text("\n".join(code("functional")[1:]) + "  \n")  # typed by hand, without the first line
    before = pipeline.read_bytes()
    solution.take("functional")
    assert pipeline.read_bytes() == before
    assert not list(pipeline.parents[1].glob("kept/*"))


@pytest.mark.parametrize("stage", STAGES)
def test_a_pipeline_that_is_gone_is_made(pipeline: Path, stage: str) -> None:
    pipeline.unlink()
    solution.take(stage)
    assert pipeline.read_text().splitlines() == code(stage)
    assert not list(pipeline.parents[1].glob("kept/*"))


def test_a_pipeline_that_is_gone_cannot_be_compared_and_the_remedy_works(pipeline: Path) -> None:
    pipeline.unlink()
    with pytest.raises(Refused, match=r'there is no pipeline to compare.*solution\.take\("mutable"\)'):
        solution.diff("functional")
    solution.take("mutable")
    solution.diff("functional")


def test_the_former_pipeline_is_kept_though_the_folder_for_it_was_deleted(pipeline: Path) -> None:
    kept = pipeline.parents[1] / "kept"
    kept.rmdir()
    solution.take("functional")
    assert pipeline.read_text().splitlines() == code("functional")
    assert [file.read_text().splitlines() for file in kept.iterdir()] == [code("mutable")]


def test_a_stage_that_is_none_is_refused_with_those_there_are(pipeline: Path) -> None:
    with pytest.raises(Refused, match=r"no stage 'functionl'\. Stages: functional, immutable_users, mutable, taxed"):
        solution.take("functionl")
