"""Where in a pipeline the cause of a failed law likely is. A guess from its text; what is judged is what it shows."""

import ast
import re
from collections.abc import Callable

from fde.check.judged import Hint, short

Pattern = Callable[[ast.AST], bool]

READERS = {"read_csv", "read_parquet", "read_json", "read_pickle", "read_table", "read_text", "read_bytes", "open"}
READERS |= {"glob", "rglob", "iterdir", "listdir", "load"}
WRITERS = {"to_csv", "to_parquet", "to_json", "to_pickle", "write_csv", "write_table", "write_text", "write_bytes"}
CLOCKS = {"now", "today", "utcnow", "time", "time_ns", "localtime", "gmtime", "monotonic", "perf_counter"}
DICE = {"random", "randint", "randrange", "choice", "choices", "sample", "shuffle", "uniform", "normal", "integers"}
DICE |= {"uuid1", "uuid4", "urandom", "token_hex", "default_rng"}
PLACES = {"environ", "getenv", "getpid", "gethostname", "getlocale", "getcwd", "tzname", "setlocale"}


def hint(law: str, why: str, code: str) -> Hint | None:
    """What to look at when a law fails for a reason. None when the reason itself names the line."""
    if re.search(r"pipeline\.py, line \d+", why) or law not in HINTS:
        return None
    patterns, otherwise = HINTS[law]
    nodes = sorted(
        (node for node in ast.walk(ast.parse(code)) if hasattr(node, "lineno")), key=lambda node: node.lineno
    )
    for matches, words in patterns:
        for node in nodes:
            if matches(node):
                return Hint(words, node.lineno, short(code.split("\n")[node.lineno - 1].strip()))
    return Hint(otherwise)


def _called(node: ast.AST) -> str:
    """The last name of what is called: `to_csv` of `orders.to_csv(...)`; nothing for what is no call."""
    return ast.unparse(node.func).rpartition(".")[2] if isinstance(node, ast.Call) else ""


def _modes(node: ast.Call) -> list[str]:
    """The texts among a call's arguments, by place or by the name `mode`."""
    values = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg == "mode")]
    return [value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)]


def _appends(node: ast.AST) -> bool:
    modes = ("a", "a+", "ab", "at", "append")
    return isinstance(node, ast.Call) and _called(node) in WRITERS | {"open"} and any(m in modes for m in _modes(node))


def _reads_a_file(node: ast.AST) -> bool:
    return _called(node) in READERS and isinstance(node, ast.Call) and not {"w", "wb", "x", "a"} & set(_modes(node))


def _writes_sales(node: ast.AST) -> bool:
    return _called(node) in WRITERS and "sales" in ast.unparse(node)


def _writes_a_file(node: ast.AST) -> bool:
    return _called(node) in WRITERS


def _reads_other_days(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and any(keyword.arg == "until" for keyword in node.keywords)


def _asks_the_time(node: ast.AST) -> bool:
    return _called(node) in CLOCKS


def _throws_dice(node: ast.AST) -> bool:
    return _called(node) in DICE


def _asks_the_machine(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute | ast.Name) and ast.unparse(node).rpartition(".")[2] in PLACES


def _has_no_order(node: ast.AST) -> bool:
    named = isinstance(node, ast.Name) and node.id in ("set", "frozenset", "hash")
    return named or isinstance(node, ast.Set | ast.SetComp)


def _asks_the_clock(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "clock"


def _skips(node: ast.AST) -> bool:
    """An `if` that leaves, or anything caught: some rows are only taken under a condition."""
    return isinstance(node, ast.If | ast.ExceptHandler) and any(
        isinstance(inner, ast.Return | ast.Pass | ast.Continue) for line in node.body for inner in ast.walk(line)
    )


APPENDS = (
    "This line appends: what an earlier run wrote stays, and the same rows come once more. "
    "Let a run replace its own day in the lake: world.replace(..., day, ...)."
)
FILE = (
    "This line reads what earlier runs left in a file, so the result depends on which runs there were. "
    "Read the day itself from the lake: world.read(..., day=day)."
)
OTHER_DAYS = (
    "This line reads other days, too: what it finds depends on which of them ran before. "
    "Read the day itself: world.read(..., day=day)."
)
CLOCK = (
    "This line asks the clock, which says another day when a day is run later, or again. "
    "Use `day`, the day that the run is about."
)
SALES_FILE = (
    "One file holds the sales of all days, and each run writes all of it: whoever looks at a past day sees what the "
    'newest run made of it. Give each day its own place: world.replace("sales", day, sales).'
)
#: law -> (patterns, the likeliest first, with words for a newcomer; the words when no line stands out)
HINTS: dict[str, tuple[list[tuple[Pattern, str]], str]] = {
    "determinism": (
        [
            (_asks_the_time, "This line asks the real time. The same day then never gives the same rows. Use `day`."),
            (_throws_dice, "This line leaves something to chance. Compute it from the rows of the day."),
            (_has_no_order, "Sets and hashes of text come out in another order in each process. Sort: sorted(...)."),
            (_asks_the_machine, "This line asks where it runs. Results should come from the rows of the day alone."),
            (_reads_a_file, FILE),
        ],
        "Look for what is not the same everywhere: the time, chance, the order of a set, the machine's settings.",
    ),
    "rerun": (
        [(_appends, APPENDS), (_reads_a_file, FILE), (_reads_other_days, OTHER_DAYS)],
        "Look for what a run adds to instead of replacing it.",
    ),
    "history": (
        [(_writes_sales, SALES_FILE), (_writes_a_file, SALES_FILE), (_reads_other_days, OTHER_DAYS)],
        "Look for a place that all days share, and that each run writes anew.",
    ),
    "order": (
        [(_asks_the_clock, CLOCK), (_reads_other_days, OTHER_DAYS), (_reads_a_file, FILE), (_appends, APPENDS)],
        "Look for what a run finds only because another day ran before it.",
    ),
    "backfill": (
        [
            (_skips, "Here the pipeline may leave out what the source sends now, because the day was there before."),
            (_reads_a_file, FILE),
            (_reads_other_days, OTHER_DAYS),
        ],
        "Look for what keeps the rows of the first time: a day that is sent again should be replaced as a whole.",
    ),
}
