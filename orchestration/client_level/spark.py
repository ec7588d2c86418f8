"""Rolling up on Apache Spark, as a program of its own: Spark has an environment to itself (`make spark`), because Great Expectations imports
whatever Spark it finds beside it, and with it what ends the process.

    .venv-spark/bin/python -m orchestration.client_level.spark EVENTS YEAR [--master spark://host:7077]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from orchestration.client_level.roll_up import RollUpError, in_spark

LOCAL_CLUSTER = "local-cluster[2,1,2048]"
"""Two workers of one core and 2 GB each, in processes of their own on this machine."""


def main() -> int:
    """Write a JSON list [area_code, measure_id, numerator, denominator] a line; exit code 1, with a sentence, for events that are not as they must be."""
    from pyspark.sql import SparkSession

    asked = argparse.ArgumentParser(
        prog="orchestration.client_level.spark", description="Rolls events of persons up to measures on Apache Spark."
    )
    asked.add_argument("events", type=Path, help="Parquet: a file or a folder of files")
    asked.add_argument("year", help="financial year, such as 2024-25")
    asked.add_argument("--master", default=LOCAL_CLUSTER, help=f"where Spark is; {LOCAL_CLUSTER} if left out")
    words = asked.parse_args()
    session = SparkSession.builder.master(words.master).appName("asc roll up").config("spark.ui.enabled", "false")
    if words.master == LOCAL_CLUSTER:
        session = (
            session.config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.executor.memory", "2g")
        )
    spark = session.config("spark.sql.shuffle.partitions", "16").config("spark.ui.showConsoleProgress", "false").getOrCreate()
    try:
        for row in in_spark(spark, words.events, words.year):
            sys.stdout.write(json.dumps(row) + "\n")
    except (RollUpError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        spark.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
