"""A disk that loses what was not flushed: the writes of a program, recorded, and what a power cut would leave of them.

The model is stricter than any file system: a file's content is safe when the file was flushed, its name when its folder
was. What was not flushed stays, or does not, change by change and file by file, as chance has it; a rename is whole.
"""

import random
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

CALLS = (
    "openat,write,pwrite64,writev,lseek,ftruncate,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,"
    "mkdir,mkdirat,rmdir,copy_file_range,sendfile,syncfs,sync"
)
LINE = re.compile(r"^(\d+) +(\w+)\((.*)\) += (-?\d+)(?:<((?:\\x..)*)>)?")
OPEN_END, RESUMED = re.compile(r"^(\d+) +(.*) <unfinished \.\.\.>$"), re.compile(r"^(\d+) +<\.\.\. \w+ resumed>(.*)$")
HANDLE, TEXT, PLACE = r"(\d+)<((?:\\x..)*)>", r'"((?:\\x..)*)"', r"(?:AT_FDCWD|\d+)<((?:\\x..)*)>"


@dataclass(eq=False)
class File:
    """Its content now, and what of it is safe (nothing, as long as it was never flushed)."""

    now: bytearray = field(default_factory=bytearray)
    safe: bytes = b""


@dataclass(eq=False)
class Folder:
    """Its names now."""

    now: dict[str, "File | Folder"] = field(default_factory=dict)


@dataclass
class Change:
    """What one call does to names, all of it or nothing: (folder, name, what it means from then on)."""

    names: list[tuple[Folder, str, "File | Folder | None"]]
    safe: bool = False  # one of its folders was flushed since


def record(command: list[str], trace: Path, **more: object) -> None:
    """Run a command to its end and write down what it asks of the disk."""
    words = ["strace", "-f", "-y", "-xx", "-s", "100000000", "-e", f"trace={CALLS}", "-o", str(trace)]
    subprocess.run([*words, *command], check=True, **more)  # type: ignore[call-overload]


class Disk:
    """A folder, whole and safe as it is found; then what a trace does to it, call by call."""

    def __init__(self, root: Path) -> None:
        self.root, self.top = root, _found(root)
        self._first = {folder: dict(folder.now) for folder in _folders(self.top)}
        self._changes: list[Change] = []
        self._offsets: dict[bytes, int] = {}  # of the file that was opened last under a path: handles are duplicated
        self.said = ""  # what the program has written that is no file of the folder: its acknowledgements

    def play(self, trace: Path) -> Iterator[str]:
        """Apply a trace; yields the name of each call that was one of this folder's, or that said something."""
        for name, words, result, place in _calls(trace):
            if result >= 0 and self._apply(name, words, result, place):
                yield name

    def after_a_cut(self, chance: random.Random, at: Path) -> None:
        """Write into an empty folder what a power cut now would leave."""
        names = {folder: dict(found) for folder, found in self._first.items()}
        for change in self._kept(chance):
            for folder, name, thing in change.names:
                names.setdefault(folder, {})[name] = thing  # type: ignore[assignment]
        _leave(self.top, names, at, chance)

    def _kept(self, chance: random.Random) -> list[Change]:
        """What is safe, and of the rest what chance keeps; what one builds upon is kept with it."""
        kept: list[Change] = []
        needed: set[tuple[Folder, str]] = set()
        for change in reversed(self._changes):
            touched = {(folder, name) for folder, name, _ in change.names}
            if change.safe or touched & needed or chance.random() < 0.5:
                kept.insert(0, change)
                needed |= touched
        return kept

    def _apply(self, name: str, words: str, result: int, place: str) -> bool:
        handle = re.match(HANDLE, words)
        path = self._inside(_text(handle[2])) if handle else None
        if name in ("sync", "syncfs"):
            self._all_is_safe()
            return True
        if name == "openat":
            return self._open(words, place)
        if name in ("write", "pwrite64"):
            assert handle
            data = _text(re.findall(TEXT, words)[0])[:result]
            if path is None:
                self.said += data.decode(errors="replace") if handle[1] == "1" else ""
                return handle[1] == "1"
            start = int(words.rsplit(",", 1)[1]) if name == "pwrite64" else self._offsets.get(_text(handle[2]), 0)
            content = self._file(path).now
            content.extend(b"\0" * (start - len(content)))
            content[start : start + len(data)] = data
            if name == "write":
                self._offsets[_text(handle[2])] = start + len(data)
        elif name == "sendfile":  # (out, in, offset, count), as shutil copies
            out, source = re.findall(HANDLE, words)[:2]
            start = int(re.search(r"\[(\d+)\]", words)[1]) if "[" in words else self._offsets.get(_text(source[1]), 0)  # type: ignore[index]
            self._offsets[_text(source[1])] = start + result
            if path is None:
                return False
            data = self._content(_text(source[1]))[start : start + result]
            at, content = self._offsets.get(_text(out[1]), 0), self._file(path).now
            content[at : at + len(data)] = data
            self._offsets[_text(out[1])] = at + len(data)
        elif name == "lseek":
            assert handle
            self._offsets[_text(handle[2])] = result
            return False
        elif path is not None and name in ("fsync", "fdatasync"):
            found = self._at(path)
            if isinstance(found, File):
                found.safe = bytes(found.now)
            for change in self._changes:
                change.safe = change.safe or any(folder is found for folder, *_ in change.names)
        elif path is not None and name == "ftruncate":
            size, content = int(words.rsplit(",", 1)[1]), self._file(path).now
            content[size:] = b"\0" * max(0, size - len(content))
        elif name.startswith(("rename", "link", "unlink", "mkdir", "rmdir")):
            return self._names(name, words)
        elif path is not None:
            raise AssertionError(f"{name} is not played: {words[:200]}")
        else:
            return False
        return True

    def _all_is_safe(self) -> None:
        self._first = {folder: dict(folder.now) for folder in _folders(self.top)}
        self._changes = []
        for names in self._first.values():
            for thing in names.values():
                if isinstance(thing, File):
                    thing.safe = bytes(thing.now)

    def _open(self, words: str, result: str) -> bool:
        path = self._paths(words)[0]
        place = _text(result)
        self._offsets[place] = 0
        if not path:
            return False
        made = path[-1] not in self._folder(path).now and "O_CREAT" in words
        if made:
            self._change((self._folder(path), path[-1], File()))
        if "O_TRUNC" in words:
            self._file(path).now = bytearray()
        if "O_APPEND" in words:
            self._offsets[place] = len(self._file(path).now)
        return made or "O_TRUNC" in words

    def _folder(self, path: tuple[str, ...]) -> Folder:
        found = self._at(path[:-1])
        assert isinstance(found, Folder), path
        return found

    def _names(self, name: str, words: str) -> bool:
        paths = self._paths(words)
        if all(path is None for path in paths):
            return False
        assert None not in paths, f"{name} over the border of the folder: {words[:300]}"
        folders = [self._at(path[:-1]) for path in paths if path is not None]
        names = [path[-1] for path in paths if path is not None]
        first, last = folders[0], folders[-1]
        assert isinstance(first, Folder) and isinstance(last, Folder)
        things = [folder.now.get(name) for folder, name in zip((first, last), (names[0], names[-1]), strict=True)]
        if name.startswith("mkdir"):
            self._change((first, names[0], Folder()))
        elif name.startswith(("unlink", "rmdir")):
            self._change((first, names[0], None))
        elif name.startswith("link"):
            self._change((last, names[1], things[0]))
        else:
            gone = things[1] if "RENAME_EXCHANGE" in words else None
            self._change((first, names[0], gone), (last, names[1], things[0]))
        return True

    def _change(self, *names: "tuple[Folder, str, File | Folder | None]") -> None:
        self._changes.append(Change(list(names)))
        for folder, name, thing in names:
            if thing is None:
                del folder.now[name]
            else:
                folder.now[name] = thing

    def _paths(self, words: str) -> list[tuple[str, ...] | None]:
        """The paths of a call, relative to the folder; None for one outside."""
        found = re.findall(f"(?:{PLACE}, )?{TEXT}", words)
        return [
            self._inside(str(Path(_text(place).decode() or "/", _text(path).decode())).encode())
            for place, path in found
        ]

    def _inside(self, path: bytes) -> tuple[str, ...] | None:
        there = Path(path.decode(errors="replace").removesuffix("(deleted)"))
        return there.relative_to(self.root).parts if there.is_relative_to(self.root) else None

    def _at(self, path: tuple[str, ...]) -> "File | Folder | None":
        found: File | Folder | None = self.top
        for name in path:
            found = found.now.get(name) if isinstance(found, Folder) else None
        return found

    def _content(self, path: bytes) -> bytes:
        inside = self._inside(path)
        return Path(path.decode()).read_bytes() if inside is None else bytes(self._file(inside).now)

    def _file(self, path: tuple[str, ...]) -> File:
        found = self._at(path)
        assert isinstance(found, File), path
        return found


def _calls(trace: Path) -> Iterator[tuple[str, str, int, str]]:
    began: dict[str, str] = {}
    for line in trace.read_text().splitlines():
        if half := OPEN_END.match(line):
            began[half[1]] = half[2]
            continue
        if rest := RESUMED.match(line):
            line = f"{rest[1]} {began.pop(rest[1])}{rest[2]}"
        if whole := LINE.match(line):
            yield whole[2], whole[3], int(whole[4]), whole[5] or ""


def _text(escaped: str) -> bytes:
    return bytes.fromhex(escaped.replace("\\x", ""))


def _found(folder: Path) -> Folder:
    found = Folder()
    for thing in folder.iterdir():
        content = b"" if thing.is_dir() else thing.read_bytes()
        found.now[thing.name] = _found(thing) if thing.is_dir() else File(bytearray(content), content)
    return found


def _folders(top: Folder) -> Iterator[Folder]:
    yield top
    for thing in top.now.values():
        if isinstance(thing, Folder):
            yield from _folders(thing)


def _leave(folder: Folder, names: dict[Folder, dict[str, "File | Folder"]], at: Path, chance: random.Random) -> None:
    for name, thing in names.get(folder, {}).items():
        if isinstance(thing, Folder):
            (at / name).mkdir()
            _leave(thing, names, at / name, chance)
        elif thing is not None:
            now = bytes(thing.now)
            (at / name).write_bytes(
                chance.choice([thing.safe, now, now[: len(now) // 2]]) if now != thing.safe else now
            )
