"""`scripts/down`: stops the workshop and leaves no process behind."""

import time

from workshop import settings, supervised


def main() -> None:
    """Stop what runs in FDE_HOME and say what was done."""
    home, since = settings.home(), time.monotonic()
    if supervised.stop(home):
        took = time.monotonic() - since
        print(f"Stopped after {took:.0f} s. Worlds and passwords stay in {home}; scripts/up goes on with them.")
    else:
        print(f"Nothing is running for {home}.")


if __name__ == "__main__":
    main()
