"""The archive of scripts/bundle, with a digest for each file. Plain Python: it runs before any package is here."""

import hashlib
import os
import re
import sys
import sysconfig
import tarfile
from io import BytesIO
from pathlib import Path

from fde.refused import Refused
from workshop import settings

SUMS = "SHA256SUMS"  # the first file of an archive: the digests of all others, as sha256sum writes and checks them
LINE = re.compile(r"([0-9a-f]{64})  (.+)")
TREE = "workshop"  # its folder that holds the repository
LOCKS = ("requirements/uv.txt", "requirements/workshop.txt")
BLOCK = 1 << 20
LARGE = 100e6  # a file of that many bytes is worth a line
AGAIN = "Nothing was installed. Copy it again, or make it again: scripts/bundle"


def this_python() -> str:
    """Whose wheels this Python can install: those of its minor version and system."""
    return f"{sys.version_info[0]}.{sys.version_info[1]} {sysconfig.get_platform()}"


def write(folder: Path, file: Path) -> None:
    """Write all files below a folder as one archive; `file` is there whole or not at all.

    What is under way lies beside the folder: who made that for it removes both.
    """
    names = sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file())
    sums = "".join(f"{_digest(folder / name)}  {name}\n" for name in names).encode()
    part = folder.with_name("part")
    with part.open("xb") as out:
        with tarfile.open(fileobj=out, mode="w", pax_headers={"comment": this_python()}) as tar:
            first = tarfile.TarInfo(SUMS)
            first.size = len(sums)
            tar.addfile(first, BytesIO(sums))
            for name in names:
                state, entry = (folder / name).stat(), tarfile.TarInfo(name)  # nobody's: no names of this machine
                entry.size, entry.mode, entry.mtime = state.st_size, state.st_mode & 0o777, int(state.st_mtime)
                _tell(entry)
                with (folder / name).open("rb") as content:
                    tar.addfile(entry, content)
        out.flush()
        os.fsync(out.fileno())
    part.rename(file)
    print(f"{file}: {len(names):,} files, {file.stat().st_size / 1e6:,.0f} MB")


def unpack(file: Path, folder: Path, tops: list[str]) -> None:
    """Check every file of an archive, and write those below its folders `tops` into a new folder.

    Raises Refused when a file differs from its digest, is missing or not listed, when it is no such archive or has
    nothing below `tops`, or when its wheels are for another Python or lock than ours. Then the folder is of no use.
    """
    folder.mkdir()
    try:
        with tarfile.open(file, "r:") as tar:
            missing = _sums(tar)
            if lacking := set(tops) - {name.split("/")[0] for name in missing}:
                raise Refused(f"{file}: holds no {min(lacking)}. One that does: scripts/bundle --kind")
            if "wheels" in tops:
                _refuse_other_wheels(file, tar.pax_headers.get("comment", "none"), missing)
            while member := tar.next():
                wanted = missing.pop(member.name, None)
                if wanted is None or not member.isreg():
                    raise Refused(f"{file}: {member.name} does not belong in it. {AGAIN}")
                _tell(member)
                inside = member.name.split("/")[0] in tops
                if _copied(tar, member, folder / member.name if inside else Path(os.devnull)) != wanted:
                    raise Refused(f"{file}: {member.name} differs from its digest. {AGAIN}")
    except (tarfile.TarError, ValueError) as error:
        raise Refused(f"{file}: is cut off, or nothing that scripts/bundle wrote ({error}). {AGAIN}") from None
    if missing:
        raise Refused(f"{file}: is cut off: {min(missing)} and {len(missing) - 1} more are missing. {AGAIN}")


def _sums(tar: tarfile.TarFile) -> dict[str, str]:
    """The digests by name. ValueError when there are none, or a name would lead out of the folder."""
    first = tar.next()
    content = tar.extractfile(first) if first and first.name == SUMS else None
    lines = [LINE.fullmatch(line) for line in content.read().decode().splitlines()] if content else [None]
    found = {line[2]: line[1] for line in lines if line}
    if len(found) < len(lines) or any(name.startswith("/") or ".." in name.split("/") for name in found):
        raise ValueError(f"it does not begin with a list of digests, {SUMS}")
    return found


def _refuse_other_wheels(file: Path, made_for: str, sums: dict[str, str]) -> None:
    if made_for != this_python():
        raise Refused(
            f"{file}: its wheels are for Python {made_for}, and this is {this_python()}. Nothing was installed. "
            f"Where that one is, too: FDE_PYTHON={made_for.split()[0]} scripts/up --from {file}"
        )
    for lock in LOCKS:
        if _digest(settings.root() / lock) != sums.get(f"{TREE}/{lock}"):
            raise Refused(
                f"{file}: its wheels are not those of {settings.root() / lock}. Nothing was installed. "
                f"Take the tree that came with them: tar -xf {file} {TREE}"
            )


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _copied(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> str:
    """Writes a file of the archive to `target`; returns the digest of what was written."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, content = hashlib.sha256(), tar.extractfile(member)
    with target.open("wb") as out:
        while block := content.read(BLOCK) if content else b"":
            digest.update(block)
            out.write(block)
    return digest.hexdigest()


def _tell(entry: tarfile.TarInfo) -> None:
    if entry.size > LARGE:
        print(f"        {entry.name}, {entry.size / 1e6:,.0f} MB", flush=True)


def main(what: str, first: str, second: str, *tops: str) -> int:
    """`write FOLDER FILE` or `unpack FILE FOLDER TOP...`. Returns the exit code; what is wrong is one line."""
    try:
        write(Path(first), Path(second)) if what == "write" else unpack(Path(first), Path(second), [*tops])
    except Refused as refused:
        print(refused, file=sys.stderr)
    except OSError as error:
        print(f"{error.filename or first}: {error.strerror or error}. Mend that and try again.", file=sys.stderr)
    else:
        return 0
    return 2


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
