"""What some attendees do wrong on purpose, and how a room has to answer. One that lets them through has failed."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from fde.refused import Refused
from workshop.rehearse.browser import AIRFLOW

if TYPE_CHECKING:
    from workshop.rehearse.attendee import Attendee

HOARD = 300 * 2**20  # bytes
EVERY, EACH = 5, 3  # one attendee of five does three of them
SIGN = "round and round"


async def broken_pipeline(one: "Attendee") -> None:
    """A syntax error is saved and run: the run fails and names the line. Mended, it runs."""
    pipeline = await one.read("pipeline.py")
    line = len(pipeline.splitlines()) + 1
    await one.save("pipeline.py", f"{pipeline.rstrip()}\ndef mend(:\n")
    said = await one.kernel.run("airflow.run()")
    if not re.search(rf"pipeline\.py, line {line}: def mend\(:\s+SyntaxError", said.text):
        raise Refused(f"a pipeline with a syntax error in line {line} did not fail by it: {said.text[-300:]}")
    await one.save("pipeline.py", pipeline)
    await one.run("airflow.run()")


async def endless_loop(one: "Attendee") -> None:
    """A cell that never ends is interrupted, and the kernel goes on."""
    begun = asyncio.Event()
    code = f"print({SIGN!r}, flush=True)\nwhile True: pass"
    loop = asyncio.create_task(one.kernel.run(code, lambda text: begun.set() if SIGN in text else None))
    await asyncio.wait({loop, begun_task := asyncio.create_task(begun.wait())}, return_when=asyncio.FIRST_COMPLETED)
    begun_task.cancel()
    await one.kernel.interrupt()
    if "KeyboardInterrupt" not in (said := await loop).error:
        raise Refused(f"an endless loop was interrupted and ended with {said.error or 'no error'}")
    await one.run("print('again')")


async def much_memory(one: "Attendee") -> None:
    """A kernel takes 300 MB and keeps them until its end."""
    await one.run(f"hoard = b'x' * {HOARD}")


async def three_at_once(one: "Attendee") -> None:
    """Trigger is pressed three times in a row: three runs, one after the other, and none fails."""
    runs = f"{AIRFLOW}/api/v2/dags/user_data_dag.{one.name}/dagRuns"
    asked = {"logical_date": None, "partition_key": None}
    await one.browser.open_airflow()
    made = await asyncio.gather(*(one.browser.ask("POST", runs, json=asked) for _ in range(3)))
    for run in [answer.json()["dag_run_id"] for answer in made]:
        while (state := (await one.browser.ask("GET", f"{runs}/{run}")).json()["state"]) not in ("success", "failed"):
            await asyncio.sleep(1)
        if state == "failed":
            raise Refused("one of three runs that were triggered at once failed")


async def anothers_dag(one: "Attendee") -> None:
    """Another attendee's runs are asked for, and one is triggered: both are refused."""
    runs = f"{AIRFLOW}/api/v2/dags/user_data_dag.{one.another}/dagRuns"
    await one.browser.open_airflow()
    for method, more in (("GET", {}), ("POST", {"json": {"logical_date": None, "partition_key": None}})):
        await one.browser.ask(method, runs, 403, 404, **more)


MISDEEDS: dict[str, Callable[["Attendee"], Awaitable[None]]] = {
    "a broken pipeline": broken_pipeline,
    "another's DAG": anothers_dag,
    "an endless loop": endless_loop,
    "300 MB": much_memory,
    "three triggers at once": three_at_once,
}


def misdeeds_of(number: int) -> list[str]:
    """What the attendee of a number, from 1, does wrong: nothing, or three of them, in turn."""
    if number % EVERY:
        return []
    first = (number // EVERY - 1) * EACH
    return [list(MISDEEDS)[(first + n) % len(MISDEEDS)] for n in range(EACH)]


def hoards(people: int) -> int:
    """How many of so many attendees take 300 MB."""
    return sum("300 MB" in misdeeds_of(number) for number in range(1, people + 1))
