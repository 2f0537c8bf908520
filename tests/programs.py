"""Programs that only pretend, for scripts that call others."""

from pathlib import Path


def fake(folder: Path, name: str, does: str) -> Path:
    """A program of that name in `folder`, which does what a line of bash says."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.unlink(missing_ok=True)  # it may be a link to the real one, which must stay as it is
    program.write_text(f"#!/bin/bash\n{does}\n")
    program.chmod(0o755)
    return program
