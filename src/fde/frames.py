"""Frames in, tables out, and back: what a pipeline hands over is checked here, nothing is cast silently."""

from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from fde.refused import Refused
from fde.rows import goes_up, sort
from fde.schemas import KEYS, TABLES, is_date


def to_frame(table: pa.Table) -> pd.DataFrame:
    """A table as a frame: dates as ISO text, money as whole cents."""
    for index, field in enumerate(table.schema):
        if pa.types.is_date(field.type):
            table = table.set_column(index, field.name, pc.cast(table[field.name], pa.string()))
    frame: pd.DataFrame = table.to_pandas()
    return frame


def summed(sales: pa.Table) -> pd.DataFrame:
    """Rows of `sales`, of whatever days, as a dashboard shows them: summed by sales_date and status, sorted by both.

    tax_cents is unknown when that of one of the summed rows is, and left out when none is known.
    """
    names, whole = TABLES["sales"].names, pc.ScalarAggregateOptions(skip_nulls=False)
    sums = sales.group_by(names[:2]).aggregate([(name, "sum", whole) for name in names[2:]])
    rows = sort(sums.rename_columns([name.removesuffix("_sum") for name in sums.column_names]).select(names))
    if rows["tax_cents"].null_count == len(rows):
        return to_frame(rows.drop_columns("tax_cents"))
    return to_frame(rows).astype({"tax_cents": "Int64"})


def sales_file(file: Path, day: str) -> pd.DataFrame:
    """The sales in a CSV file of a pipeline's own, summed. Raises Refused when it is missing or cannot be read."""
    if not file.exists():
        raise Refused(f"nothing to show yet: no sales in the lake, and no {file}. Run the day first: fde run")
    try:
        table = to_table(pd.read_csv(file, keep_default_na=False), "sales", day)
    except (ValueError, OSError) as error:
        raise Refused(f"{file}: cannot be read as CSV: {error}") from None
    except Refused as error:
        raise Refused(f"{file}: {str(error).partition(': ')[2]}") from None
    return summed(table)


def to_table(frame: pd.DataFrame, table: str, day: str) -> pa.Table:
    """A frame as rows of one day of a table.

    Arguments: frame with the columns of `schemas.TABLES[table]` in any order (optional ones may be missing;
    `import_date` may be there, and must be `day`).
    Raises: Refused naming the column when one is missing, unknown, blank, of another type, or rows repeat.
    """
    what = f"{table} of {day}"
    if not isinstance(frame, pd.DataFrame):
        raise Refused(f"{what}: expected a pandas DataFrame, got {type(frame).__name__}.")
    if "import_date" in frame.columns:
        others = sorted({str(value)[:10] for value in frame["import_date"]} - {day})
        if others:
            raise Refused(
                f"{what}: rows of another day ({', '.join(others[:3])}). A run writes its own day and no other."
            )
        frame = frame.drop(columns="import_date")
    schema = TABLES[table]
    unknown = [str(name) for name in frame.columns if name not in schema.names]
    missing = [field.name for field in schema if field.name not in frame.columns and not field.nullable]
    if unknown or missing:
        wrong = "; ".join(
            f"{word} {', '.join(names)}" for word, names in (("missing", missing), ("unknown", unknown)) if names
        )
        raise Refused(f"{what}: columns {wrong}. Expected: {', '.join(schema.names)}.")
    columns = [_column(frame, field, what) for field in schema]
    rows = pa.Table.from_arrays(columns, schema=schema)
    key = [name for name in KEYS[table] if not schema.field(name).nullable or rows[name].null_count == 0]
    if key and not goes_up(rows[key[0]]) and len(rows) != rows.group_by(key).aggregate([]).num_rows:
        raise Refused(f"{what}: two rows with the same {' and '.join(key)}. Group them before you write.")
    return rows


def _column(frame: pd.DataFrame, field: pa.Field, what: str) -> pa.Array:
    if field.name not in frame.columns:
        return pa.nulls(len(frame), field.type)
    values = frame[field.name]
    blanks = int(values.isna().sum())
    if blanks and not field.nullable:
        raise Refused(
            f"{what}: column {field.name} has {blanks} blank value(s). Fill them first, for example with fillna()."
        )
    try:
        if pa.types.is_date(field.type):
            dates = {value: _date(value) for value in values.unique()}
            return pa.array(values.map(dates).astype(object), field.type, from_pandas=True)
        if pa.types.is_integer(field.type) and len(values) and not pd.api.types.is_numeric_dtype(values):
            raise pa.ArrowInvalid("the values are no numbers")
        array = pa.array(values, type=field.type, from_pandas=True)
        return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise Refused(f"{what}: column {field.name} should hold {field.type}: {error}") from None


def _date(value: object) -> date:
    text = str(value).removesuffix(" 00:00:00")
    if not is_date(text):
        raise ValueError(f"{text!r} is no date like 2022-01-31")
    return date.fromisoformat(text)
