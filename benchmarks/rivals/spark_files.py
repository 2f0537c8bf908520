"""PySpark, local mode, straight over the parquet files of a lake. usage: spark_files.py read|compute LAKE DAY

Its session is made before the clock starts; so is the first small query, which loads its classes.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f
from side import side

KEY = ["sales_date", "status"]


def session() -> SparkSession:
    cores = len(os.sched_getaffinity(0))
    made = SparkSession.builder.master(f"local[{cores}]").config("spark.ui.enabled", "false")
    made = made.config("spark.sql.shuffle.partitions", cores * 2).config("spark.driver.memory", "4g")
    return made.config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1").getOrCreate()


def table(spark: SparkSession, lake: str, name: str, day: str) -> DataFrame:
    return spark.read.parquet(f"{lake}/{name}").where(f.col("import_date") <= f.lit(day).cast("date"))


def summed(rows: DataFrame, *numbers: object) -> Iterable[tuple]:
    return [tuple(row) for row in rows.groupBy(*KEY).agg(*numbers).collect()]


def read(spark: SparkSession, lake: str, day: str) -> Iterable[tuple]:
    names = ("orders", "quantity", "revenue_cents")
    return summed(table(spark, lake, "sales", day), *(f.sum(name) for name in names))


def compute(spark: SparkSession, lake: str, day: str) -> Iterable[tuple]:
    users = table(spark, lake, "users", day).select("import_date", "user_id", "status")
    joined = table(spark, lake, "orders", day).join(users, ["import_date", "user_id"])
    return summed(joined, f.count("*"), f.sum("quantity"), f.sum("revenue_cents"))


if __name__ == "__main__":
    spark = session()
    spark.range(10).groupBy("id").count().collect()
    work = {"read": read, "compute": compute}[sys.argv[1]]
    side(lambda: work(spark, *sys.argv[2:]))
    spark.stop()
