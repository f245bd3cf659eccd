#!/usr/bin/env python3
"""The rows of generate.py in Parquet files, for measuring and for trying `marsad sql`, a cluster and Spark.

    python3 benches/parquet.py 200000 --files 8 -o rows             rows/part-00000.parquet to part-00007.parquet
    python3 benches/parquet.py 200000 --days 30 -o archive          archive/day=2024-01-01/part-00000.parquet and so on

Columns: id, doc, outlet, text, and day unless the folders have it. The same numbers and seed give the same rows; every row
is in exactly one file, in order. Needs pyarrow.
"""
import argparse, datetime, itertools, os

import pyarrow as pa
import pyarrow.parquet as pq

from generate import generated

OUTLETS = ["الميناء نت", "صوت الوادي", "وكالة الساحل", "جريدة النهر", "مرصد الجبل"]
GROUP_ROWS = 1 << 16


def day_of(number, days):
    return (datetime.date(2024, 1, 1) + datetime.timedelta(days=number % days)).isoformat()


def write(path, rows, columns):
    """Writes an iterator of rows to one file, row group by row group."""
    schema = pa.schema([(column, pa.string()) for column in columns])
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with pq.ParquetWriter(path, schema, compression="snappy") as writer:
        while group := list(itertools.islice(rows, GROUP_ROWS)):
            writer.write_table(pa.table({column: [row[column] for row in group] for column in columns}, schema))


def write_files(count, folder, files=8, days=None, seed=1):
    """Writes so many rows into a folder; the paths of the files, in order."""
    def rows():
        for number, row in enumerate(generated(count, seed)):
            # Rows of a day, or of a file, follow each other, as an archive grows.
            place = number * (days or 30) // max(count, 1)
            yield {**row, "outlet": OUTLETS[number % len(OUTLETS)], "day": day_of(place, days or 30)}

    rows = rows()
    parts = days or files
    columns = ["id", "doc", "outlet", "text"] + ([] if days else ["day"])
    paths = []
    for part in range(parts):
        size = count * (part + 1) // parts - count * part // parts
        name = f"day={day_of(part, days)}/part-00000.parquet" if days else f"part-{part:05}.parquet"
        paths.append(os.path.join(folder, name))
        write(paths[-1], itertools.islice(rows, size), columns)
    return paths


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=int, help="number of rows")
    parser.add_argument("-o", "--output", required=True, help="folder to write")
    parser.add_argument("--files", type=int, default=8, help="number of files [default: 8]")
    parser.add_argument("--days", type=int, help="write one file a day into folders day=…, in place of --files")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    paths = write_files(arguments.rows, arguments.output, arguments.files, arguments.days, arguments.seed)
    size = sum(os.path.getsize(path) for path in paths)
    print(f"{arguments.rows} rows in {len(paths)} files, {size / 1e6:.1f} MB, in {arguments.output}")


if __name__ == "__main__":
    main()
