"""The room in numbers, as Prometheus reads them. Nobody is named: whoever reaches the board's port may read this."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Gauge, ProcessCollector, generate_latest

from fde.steps import STEPS
from workshop.board.row import RED, Row


def metrics(rows: Sequence[Row]) -> bytes:
    """Prometheus text of what the board shows now, and of what the board itself takes."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)

    def tell(name: str, about: str, number: int) -> None:
        Gauge(f"workshop_{name}", about, registry=registry).set(number)

    tell("attendees", "attendees of the room", len(rows))
    tell("attendees_in_trouble", "attendees who are red at a step", sum(is_red(row) for row in rows))
    tell("flags", "attendees who ask for help", sum(row.flag is not None for row in rows))
    tell("running", "attendees with a run of a DAG right now", sum(bool(row.running) for row in rows))
    open_ = sum(one.rolled_back is None for row in rows for one in row.incidents)
    tell("incidents_open", "incidents of an attendee that they have not rolled back", open_)
    done = Gauge("workshop_step_done", "attendees who have done a step", ["step"], registry=registry)
    for number, step in enumerate(STEPS):
        done.labels(step.number).set(sum(row.cells[number].state == "done" for row in rows if row.cells))
    return generate_latest(registry)


def is_red(row: Row) -> bool:
    """Whether something is wrong at a step of theirs."""
    return any(cell.state == RED for cell in row.cells)
