#!/usr/bin/env python3
"""Holds what Spark gives with label.py against `marsad predict` on the same Parquet files, every row and column.

    python3 -m venv spark-env && spark-env/bin/pip install pyspark==4.3.0 pyarrow==26.0.1 'pandas<3'
    spark-env/bin/python docs/spark/check.py --marsad target/release/marsad

Java 17 is needed. Rows of `benches/parquet.py` in several files, and among them: a file without rows, more partitions than
rows, rows without text, with empty text, without an id, with a text of a megabyte and a half. Then what must fail, with the
program's own line: a model that is not there for driver or workers, a program that gives fewer rows or none,
a stream that is cut, a program that is killed; and a query that wants five rows only.
"""
import argparse, os, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "benches")]
os.environ["PYSPARK_PYTHON"] = sys.executable

import pyarrow as pa
import pyarrow.parquet as pq
import pyspark
from pyspark.sql import SparkSession

import parquet
from label import label

KEEP = ["day", "number", "outlet"]


def write_rows(folder, count, files):
    """The files that are read, with a number on every row."""
    paths = parquet.write_files(count, folder, files)
    number = 0
    for path in paths:
        table = pq.read_table(path)
        rows = table.to_pylist()
        for place, row in enumerate(rows):
            row["number"] = number + place
            if place % 997 == 5:
                row["text"] = None
            elif place % 997 == 6:
                row["text"] = ""
            elif place % 997 == 7:
                row["outlet"] = None
            elif place % 9973 == 8:
                row["text"] = row["text"] + " " + "قصفت الطائرات البلدة. " * 38_000
        number += len(rows)
        schema = table.schema.append(pa.field("number", pa.int64()))
        pq.write_table(pa.Table.from_pylist(rows, schema), path)
    empty = os.path.join(folder, "part-99999.parquet")
    pq.write_table(schema.empty_table(), empty)
    return paths + [empty]


def by_number(rows):
    """Rows by their number, without `line`: a row of the file there, a row of the task's stream here."""
    found = {int(row["input.number"]): {name: value for name, value in row.items() if name != "line"} for row in rows}
    assert len(found) == len(rows), "a row is there twice"
    return found


def differences(expected, found):
    keys = expected.keys() | found.keys()
    return sorted(key for key in keys if expected.get(key) != found.get(key))


def must_fail(what, line, run):
    try:
        run()
    except Exception as error:
        told = [found for found in str(error).splitlines() if line in found]
        assert told, f"{what}: {error}"
        print(f"ok: {what}: {told[-1]}")
    else:
        raise AssertionError(f"{what}: nothing failed")


def faulty(folder, name, marsad, fault):
    """A program that is `marsad` the first time, when the driver asks for the columns, and then does as `fault` says."""
    path = os.path.join(folder, name.replace(" ", "-"))
    with open(path, "w") as file:
        file.write(f'#!/bin/sh\nexec sh -c \'if mkdir {path}.begun 2>/dev/null; then exec "$0" "$@"; fi; {fault}\' {marsad} "$@"\n')
    os.chmod(path, 0o755)
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--marsad", default="marsad", help="the program [default: marsad]")
    parser.add_argument("--rows", type=int, default=60_000, help="number of rows [default: 60000]")
    parser.add_argument("--files", type=int, default=8, help="number of files [default: 8]")
    parser.add_argument("--cores", type=int, default=2, help="tasks at once [default: 2]")
    arguments = parser.parse_args()
    marsad = os.path.abspath(arguments.marsad) if os.path.sep in arguments.marsad else arguments.marsad
    spark = SparkSession.builder.master(f"local[{arguments.cores}]").config("spark.ui.enabled", "false") \
        .config("spark.ui.showConsoleProgress", "false").getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    spark.sparkContext.addPyFile(os.path.join(HERE, "label.py"))
    java = spark.sparkContext._jvm.System.getProperty("java.version")
    print(f"PySpark {pyspark.__version__}, pyarrow {pa.__version__}, Java {java}, Python {sys.version.split()[0]}")

    with tempfile.TemporaryDirectory() as folder:
        paths = write_rows(os.path.join(folder, "rows"), arguments.rows, arguments.files)
        command = [marsad, "predict", *paths, "--id-field", "id", "--keep", ",".join(KEEP)]
        alone = os.path.join(folder, "alone.parquet")
        done = subprocess.run([*command, "-o", alone, "--quiet"], stderr=subprocess.PIPE, text=True)
        assert done.returncode == 1, done.stderr
        expected = by_number(pq.read_table(alone).to_pylist())
        assert len(expected) == arguments.rows

        frame = spark.read.parquet(os.path.join(folder, "rows"))
        options = dict(id="id", keep=KEEP, program=marsad)
        for what, rows, settings in [
            ("as the files lie", frame, {}),
            ("batches of 10 rows", frame, {"spark.sql.execution.arrow.maxRecordsPerBatch": "10"}),
            ("61 partitions of mixed rows", frame.repartition(61), {}),
            ("one partition", frame.coalesce(1), {}),
        ]:
            for name, value in settings.items():
                spark.conf.set(name, value)
            begun = time.time()
            target = os.path.join(folder, f"labelled {what}")
            label(rows, **options).write.parquet(target)
            for name in settings:
                spark.conf.unset(name)
            found = by_number(spark.read.parquet(target).toArrow().to_pylist())
            wrong = differences(expected, found)
            assert not wrong, f"{what}: {len(wrong)} rows differ: {expected.get(wrong[0])} {found.get(wrong[0])}"
            errors = sum(row["error"] is not None for row in found.values())
            print(f"ok: {what}: {len(found)} rows equal, {errors} of them in error, {time.time() - begun:.0f} s")

        few = frame.limit(3).repartition(5)
        assert label(few, **options).count() == 3
        assert label(frame.where("number < 0"), **options).count() == 0
        print("ok: partitions without rows")
        nameless = frame.where("number < 3").drop("id").coalesce(1)
        assert sorted(row.id for row in label(nameless, program=marsad).collect()) == ["-:1", "-:2", "-:3"]
        print("ok: rows without an id are counted within their task")

        def run(**changed):
            label(frame, **{**options, **changed}).write.format("noop").mode("overwrite").save()

        must_fail("a model that is not there", "no.safetensors", lambda: run(model="no.safetensors"))
        for what, line, fault in [
            ("a worker without the model", "gone.safetensors", '"$0" "$@" -m gone.safetensors'),
            ("a program that ends early", "rows for", f'"$0" "$@" | {sys.executable} {__file__} --all-but-one'),
            ("a stream that is cut short", "rows for", '"$0" "$@" | head -c 20000'),
            ("a program that is killed", "ended with status -9", '"$0" "$@" | head -c 20000; kill -9 $$'),
            ("a program that gives no Arrow", "rows for", "cat > /dev/null; echo no"),
        ]:
            program = faulty(folder, what, marsad, fault)
            must_fail(what, line, lambda: run(program=program))

        assert len(label(frame.coalesce(1), **options).limit(5).collect()) == 5
        for _ in range(50):
            left = subprocess.run(["pgrep", "-f", f"^{marsad} predict -"], capture_output=True, text=True).stdout
            if not left:
                break
            time.sleep(0.1)
        assert not left, f"still running: {left}"
        print("ok: five rows of many; no process is left")
    spark.stop()


def all_but_one():
    """Passes all rows of a stream on but the first, and ends well."""
    reader = pa.ipc.open_stream(sys.stdin.buffer)
    with pa.ipc.new_stream(sys.stdout.buffer, reader.schema) as writer:
        for place, batch in enumerate(reader):
            writer.write_batch(batch[1:] if place == 0 else batch)


if __name__ == "__main__":
    all_but_one() if "--all-but-one" in sys.argv else main()
