"""Labels a Spark data frame: each task streams its rows through one `marsad predict` and back, as Arrow.

    spark-submit docs/spark/label.py archive labelled

Every worker needs the program, and the model file unless the model built in will do; nothing else.
"""
import io
import subprocess
import sys
import tempfile
import threading
from functools import partial

import pyarrow as pa
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import from_arrow_schema


def label(frame, text="text", id=None, keep=(), program="marsad", model=None, options=()):
    """The rows of a data frame with labels, scores and evidence: the columns of `marsad predict --to arrow`.

    Columns of `keep` are carried along as text, named `input.NAME`. A row that cannot be labelled, as one without
    text, has its reason in the column `error`.
    """
    document = ["doc"] if "doc" in frame.columns else []
    names = dict.fromkeys([text, *([id] if id else []), *document, *keep])
    frame = frame.select(*[f"`{name}`" for name in names])
    command = [program, "predict", "-", "--from", "arrow", "--to", "arrow", "--threads", "1", "--text-field", text]
    command += ["--id-field", id] if id else []
    command += ["--keep", ",".join(keep)] if keep else []
    command += ["--model", model] if model else []
    command += options
    return frame.mapInArrow(partial(label_batches, command), output_schema(command, frame.columns))


def output_schema(command, columns):
    """What the program gives for no rows: its columns, or at once what is wrong with the command."""
    nothing = io.BytesIO()
    pa.ipc.new_stream(nothing, pa.schema([(column, pa.string()) for column in columns])).close()
    done = subprocess.run(command, input=nothing.getvalue(), capture_output=True)
    if done.returncode:
        raise RuntimeError(why(command, done.returncode, done.stderr))
    return from_arrow_schema(pa.ipc.open_stream(done.stdout).schema)


def why(command, status, messages):
    """The program's own line, where it told one."""
    return messages.decode("utf-8", "replace").strip() or f"{command[0]} ended with status {status}"


def label_batches(command, batches):
    """What runs in a task. A thread feeds the program while its rows are read, so that neither waits for the other."""
    first = next(batches, None)
    if first is None:
        return
    fed, given, failed, cut_short = 0, 0, None, None
    messages = tempfile.TemporaryFile()
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=messages)

    def feed():
        nonlocal fed, failed
        try:
            with process.stdin, pa.ipc.new_stream(process.stdin, first.schema) as writer:
                batch = first
                while batch is not None:
                    fed += batch.num_rows
                    writer.write_batch(batch)
                    batch = next(batches, None)
        except BrokenPipeError:
            pass  # The program has ended; what it printed says why.
        except Exception as error:
            failed = error
            process.kill()

    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    try:
        for batch in pa.ipc.open_stream(process.stdout):
            given += batch.num_rows
            yield batch
    except (pa.ArrowInvalid, OSError) as error:
        cut_short = error
    except GeneratorExit:
        process.kill()  # Spark wants no more rows, as after limit().
        raise
    finally:
        process.stdout.close()
        status = process.wait()
    if failed:
        raise failed
    if status not in (0, 1):  # 1: done, with rows in error.
        messages.seek(0)
        raise RuntimeError(why(command, status, messages.read()))
    feeder.join()
    if cut_short or fed != given:
        raise RuntimeError(f"{command[0]} gave {given} rows for {fed}: {cut_short or 'it ended early'}")


if __name__ == "__main__":
    source, target = sys.argv[1:3]
    spark = SparkSession.builder.getOrCreate()
    label(spark.read.parquet(source), id="id", keep=["day"]).write.parquet(target)
