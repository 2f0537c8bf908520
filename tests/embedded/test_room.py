"""room.yaml: the one file an instructor edits. What is wrong in it is said with file, value and what is allowed."""

from pathlib import Path

import pytest

from fde.refused import Refused
from workshop import room


def described(folder: Path, text: str) -> Path:
    path = folder / "room.yaml"
    path.write_text(text)
    return path


def test_attendees_keep_their_order_and_the_pack_lies_beside_the_file(tmp_path: Path) -> None:
    read = room.read(described(tmp_path, "attendees: [green, blue-2, b]\npack: packs/shop\n"))
    assert read == room.Room(["green", "blue-2", "b"], tmp_path / "packs" / "shop")


def test_the_room_of_the_repository_can_be_read() -> None:
    root = Path(__file__).parents[2]
    assert room.read(root / "room.yaml") == room.Room(["learner"], root / "sources" / "shop")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("attendees: [Blue]\npack: p", "'Blue' cannot be an attendee's name"),
        ("attendees: [-blue]\npack: p", "'-blue' cannot be"),
        ("attendees: [blue.green]\npack: p", "'blue.green' cannot be"),
        ("attendees: ['../x']\npack: p", "'../x' cannot be"),
        ("attendees: [''] \npack: p", "'' cannot be"),
        ("attendees: [aaaaabbbbbcccccddddde]\npack: p", "at most 20 characters"),
        ("attendees: [1]\npack: p", "1 cannot be"),
        ("attendees: [instructor]\npack: p", "the room's own sign-in"),
        ("attendees: [blue, blue]\npack: p", "'blue' is listed twice"),
        ("attendees: []\npack: p", "no attendee"),
        ("attendees: blue\npack: p", "must be a list"),
        ("attendees: [blue]", "exactly the keys"),
        ("attendees: [blue]\npack: p\nhold: 1", "exactly the keys"),
        ("attendees: [blue\npack: p", "is no YAML"),
    ],
)
def test_what_is_wrong_is_one_line_with_the_file(tmp_path: Path, text: str, said: str) -> None:
    path = described(tmp_path, text)
    with pytest.raises(Refused, match=".") as refused:
        room.read(path)
    assert said in str(refused.value)
    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"room\.yaml: cannot be read"):
        room.read(tmp_path / "room.yaml")
