"""Who the tests of sign-in, attacks and board act as."""

from typing import Any

import pytest

from tests.people import Person, arrived


@pytest.fixture(scope="module")
def blue(room: Any) -> Person:
    return arrived(room, "blue")


@pytest.fixture(scope="module")
def instructor(room: Any) -> Person:
    return arrived(room, "instructor")
