"""What a row of each source and of each lake table looks like, as data."""

from dataclasses import dataclass
from datetime import date

import pyarrow as pa

DATE, TEXT, WHOLE, MONEY, PERCENT = "date", "text", "whole", "money", "percent"

#: kind -> (what a cell must match once blanks around it are gone, in words for a person, type in the lake)
KINDS: dict[str, tuple[str, str, pa.DataType]] = {
    DATE: (r"^\d{4}-\d{2}-\d{2}$", "a date like 2022-01-31", pa.date32()),
    TEXT: (r"^.+$", "some text", pa.string()),
    WHOLE: (r"^\d{1,15}$", "a whole number, 0 or more", pa.int64()),
    MONEY: (r"^\d{1,13}(\.\d{1,2})?$", "an amount like 12.50, 0 or more, at most 2 decimals", pa.int64()),
    PERCENT: (r"^(100|[1-9]?\d)$", "a whole number of percent, 0 to 100", pa.int64()),
}


@dataclass(frozen=True)
class Column:
    """One column of a source file."""

    name: str
    kind: str
    blank: bool = False  # a cell may be empty: the pipeline fills it
    optional: bool = False  # the whole column may be missing
    into: str = ""  # its name in frames and in the lake, when another

    @property
    def frame_name(self) -> str:
        """Money is counted in cents from here on, and the name says so."""
        return self.into or self.name


#: the source systems
SOURCES: dict[str, tuple[Column, ...]] = {
    "users": (
        Column("user_id", WHOLE),
        Column("name", TEXT, blank=True),
        Column("status", TEXT, blank=True),
    ),
    "orders": (
        Column("sales_date", DATE),
        Column("quantity", WHOLE),
        Column("revenue", MONEY, into="revenue_cents"),
        Column("user_id", WHOLE),
        Column("order_id", TEXT, optional=True),
    ),
    "tax_rates": (  # a pack may do without: only a pipeline that asks for it needs it
        Column("valid_from", DATE),
        Column("percent", PERCENT),
    ),
}

#: the tables of the lake, without the partition `import_date`
TABLES: dict[str, pa.Schema] = {
    "users": pa.schema(
        [
            pa.field("user_id", pa.int64(), nullable=False),
            pa.field("name", pa.string(), nullable=False),
            pa.field("status", pa.string(), nullable=False),
        ]
    ),
    "orders": pa.schema(
        [
            pa.field("sales_date", pa.date32(), nullable=False),
            pa.field("quantity", pa.int64(), nullable=False),
            pa.field("revenue_cents", pa.int64(), nullable=False),
            pa.field("user_id", pa.int64(), nullable=False),
            pa.field("order_id", pa.string(), nullable=True),
        ]
    ),
    "tax_rates": pa.schema(
        [
            pa.field("valid_from", pa.date32(), nullable=False),
            pa.field("percent", pa.int64(), nullable=False),
        ]
    ),
    "sales": pa.schema(
        [
            pa.field("sales_date", pa.date32(), nullable=False),
            pa.field("status", pa.string(), nullable=False),
            pa.field("orders", pa.int64(), nullable=False),
            pa.field("quantity", pa.int64(), nullable=False),
            pa.field("revenue_cents", pa.int64(), nullable=False),
            pa.field("tax_cents", pa.int64(), nullable=True),  # blank: this pipeline does not know, which is not 0
        ]
    ),
}

#: what is kept of a row that was refused, in a table for each source
REFUSED = pa.schema(
    [
        pa.field("file", pa.string(), nullable=False),
        pa.field("line", pa.int64(), nullable=False),
        pa.field("column", pa.string(), nullable=False),  # blank: of the row as a whole
        pa.field("value", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("row", pa.string(), nullable=False),  # as it stands in the file
    ]
)
REFUSED_OF: dict[str, str] = {source: f"refused_{source}" for source in SOURCES}

#: all that a lake may hold; pipelines read and write `TABLES` only
SCHEMAS = TABLES | dict.fromkeys(REFUSED_OF.values(), REFUSED)

#: columns that name a row: two rows with the same values are a mistake
KEYS: dict[str, tuple[str, ...]] = {
    "users": ("user_id",),
    "orders": ("order_id",),
    "tax_rates": ("valid_from",),
    "sales": ("sales_date", "status"),
}


def is_date(text: str) -> bool:
    """True for a date of the calendar in ISO form: `2022-01-31`, not `2022-01-00` and not `20220131`."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
