"""The room in numbers, as Prometheus reads them. Nobody is named: whoever reaches the board's port may read this."""

from prometheus_client import CollectorRegistry, Gauge, ProcessCollector, generate_latest

from workshop.board.row import DONE
from workshop.board.watch import Watch
from workshop.board.words import is_red


def metrics(watch: Watch) -> bytes:
    """Prometheus text of what the board shows now, and of what the board itself takes."""
    registry, rows = CollectorRegistry(), watch.rows
    ProcessCollector(registry=registry)

    def tell(name: str, about: str, number: float) -> None:
        Gauge(f"workshop_{name}", about, registry=registry).set(number)

    tell("attendees", "attendees of the room", len(rows))
    tell("attendees_in_trouble", "attendees who are red", sum(map(is_red, rows)))
    tell("flags", "attendees who ask for help", sum(row.flag is not None for row in rows))
    tell("running", "attendees with a run of a DAG right now", sum(bool(row.running) for row in rows))
    untouched = sum(one.rolled_back is None for row in rows for one in row.incidents)
    tell("incidents_open", "incidents of an attendee that they have not rolled back", untouched)
    tell(
        "failed_runs", "imports that failed, of those that Airflow still knows", watch.runs.failed if watch.runs else 0
    )
    tell("turn_seconds", "how long the board's last look at everything took", watch.seconds)
    tell("airflow_answers", "whether Airflow answers the board", not watch.airflow)
    done = Gauge("workshop_step_done", "attendees who have done a step", ["step"], registry=registry)
    for number, _ in watch.steps:
        cells = [cell for row in rows for cell in row.cells if cell.step == number]
        done.labels(number).set(sum(cell.state == DONE for cell in cells))
    return generate_latest(registry)
