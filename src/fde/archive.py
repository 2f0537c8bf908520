"""A world as one file to take home: desk, pack and clock, laid out as the home folder of a workshop."""

import os
import shlex
import shutil
import stat
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path, PurePosixPath

from fde.desk import nobody_runs
from fde.disk import flush
from fde.refused import Refused
from fde.world import World

ENDING = ".fde.tar"
TOP = ("worlds", "pack", "clocks")
LAST = "clocks/clock/days"  # written last: without it, an archive was cut off


def export(world: World, file: Path | None, tell: Callable[[str], None]) -> None:
    """Write a world into a new file (default: NAME-DAY.fde.tar, beside the desk).

    Raises Refused when the file is there already, or a run is going on.
    """
    clock, name = world.clock, world.path.name
    file = (file or world.path / f"{name}-{clock.day}{ENDING}").absolute()
    part = file.with_name(f"{file.name}.part")
    left_out = ["kept/"]
    _refuse_taken(file)
    with nobody_runs(world.path):
        try:
            with tarfile.open(part, "w") as tar:
                for thing in _things(world.desk):
                    at, kind = f"worlds/{name}/{thing.relative_to(world.path)}", thing.lstat().st_mode
                    if stat.S_ISDIR(kind):
                        tar.addfile(_entry(at, tarfile.DIRTYPE))
                    elif stat.S_ISREG(kind) and not thing.name.endswith((ENDING, part.name)):
                        _add(tar, at, thing)
                    elif thing.name != part.name:
                        left_out.append(f"{thing.relative_to(world.path)}")
                for thing in world.pack.files:
                    _add(tar, f"pack/{thing.name}", thing)
                keys = {f"clock-{name}/day": clock.day, f"clock-{name}/deployed": clock.deployed}
                for key, text in {**keys, "clock/days": "\n".join(clock.days)}.items():
                    entry = _entry(f"clocks/{key}")
                    entry.size = len(text.encode())
                    tar.addfile(entry, BytesIO(text.encode()))
            flush(part)
            _refuse_taken(file)
            part.rename(file)
            flush(file)
        finally:
            part.unlink(missing_ok=True)
    tell(f"{file}: {file.stat().st_size / 1e6:,.1f} MB with the desk of {name} and its lake, the pack and the clock.")
    tell(f"Left out (former desks, archives, links): {', '.join(left_out)}")
    tell(f"Next: at home, with a copy of this workshop: fde open {shlex.quote(file.name)}")


def unpack(file: Path, folder: Path | None, tell: Callable[[str], None]) -> None:
    """Unpack an exported world into a new folder (default: the file's name without its ending).

    Raises Refused when the folder has things in it, or the file is no exported world; then nothing is left behind.
    """
    folder = (folder or Path(file.name.removesuffix(ENDING))).absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refused(f"{folder}: is there already, and not an empty folder. Name another: fde open {file} FOLDER")
    building = Path(tempfile.mkdtemp(prefix=".opening-", dir=folder.parent))
    try:
        with tarfile.open(file, "r:") as tar:
            for member in tar:
                _extract(tar, member, building)
        name = _only_world(building)
        building.chmod(0o755)
        building.rename(folder)
    except (tarfile.TarError, ValueError, FileExistsError, NotADirectoryError) as error:
        raise Refused(f"{file}: is no world that fde export wrote ({error}). Nothing was unpacked.") from None
    finally:
        shutil.rmtree(building, ignore_errors=True)
    tell(f"{folder}: the world of {name}, with its lake, its pack and its clock.")
    tell("It brings code: fde run and fde replay run what is in it, with your rights. Whose world is it?")
    tell(f"Next: FDE_WORLD={shlex.quote(f'{folder}/worlds/{name}')} fde show")


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, building: Path) -> None:
    # Not tarfile's own filters: Python before 3.11.4 has none. Without links no path can lead out.
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or path.parts[:1] not in [(top,) for top in TOP]:
        raise ValueError(f"{member.name!r} belongs nowhere in it")
    if not (member.isdir() or member.isreg()) or member.issparse():
        raise ValueError(f"{member.name!r} is neither a folder nor a plain file")
    target = building / path
    (target if member.isdir() else target.parent).mkdir(parents=True, exist_ok=True)
    if member.isreg() and (content := tar.extractfile(member)):
        with target.open("xb") as out:
            shutil.copyfileobj(content, out, 1 << 20)


def _only_world(building: Path) -> str:
    """The name of the one world in it; ValueError when it is not whole."""
    desks = list(building.glob("worlds/*/desk"))
    if len(desks) != 1 or not (building / "pack").is_dir() or not (building / LAST).is_file():
        raise ValueError("a part is missing: desk, pack or clock")
    return desks[0].parent.name


def _things(desk: Path) -> Iterator[Path]:
    def tell(error: OSError) -> None:
        raise error  # a folder that cannot be read is told, never left out silently

    for folder, folders, names in os.walk(desk, onerror=tell):
        yield Path(folder)
        yield from (Path(folder, name) for name in names)
        yield from (Path(folder, name) for name in folders if Path(folder, name).is_symlink())


def _entry(name: str, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type = kind
    entry.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
    return entry


def _add(tar: tarfile.TarFile, name: str, file: Path) -> None:
    with file.open("rb") as content:  # plain bytes under a plain name: tarfile's own way turns hard links into links
        entry = _entry(name)
        entry.size = os.fstat(content.fileno()).st_size
        tar.addfile(entry, content)


def _refuse_taken(file: Path) -> None:
    if file.exists():
        raise Refused(f"{file}: is there already, and is left as it is. Name another: fde export FILE")
