#!/usr/bin/env python3
"""`marsad sql` beside `marsad predict`, and two executors of a cluster beside one.

    cargo build --release --features cluster
    python3 benches/sql.py                                  both, about ten minutes
    python3 benches/sql.py --rows 4000 --runs 1 --bin target/debug      to try it

Prints a table in Markdown. Runs of what is compared take turns, so that other work on the machine hits all alike; figures are
medians, and ratios are the median of the ratios of runs that follow each other. Before anything is measured, what both sides
give is compared, every row. Needs pyarrow.

sql beside predict: one Parquet file to one Parquet file with the same columns, for 1 thread and for all; aim: sql
takes at most 1.15 times as long.

Two executors beside one: a scheduler with one executor of one core, and a scheduler with two, all on 127.0.0.1, started and
stopped here, each executor held to a core of its own where `taskset` is there; the statements run over at least eight files,
and once before they are measured, so that each executor has its model; aim: 1.7 times as fast. The client and the schedulers
are held to no core: on a machine with two cores they take their time from the executors.
"""
import argparse, contextlib, os, platform, re, shutil, signal, statistics, subprocess, sys, tempfile, threading, time

import pyarrow.parquet as pq

import parquet

KEEP = ["outlet", "day"]
START = 120


class Run:
    """What a process cost: seconds of CPU and of the clock, MB at the peak."""

    def __init__(self, cpu, wall, peak):
        self.cpu, self.wall, self.peak = cpu, wall, peak


def peak_of(process):
    """MB at the peak of a process that runs."""
    with open(f"/proc/{process}/status") as file:
        found = re.search(r"VmHWM:\s+(\d+)", file.read())
    return int(found[1]) / 1024 if found else 0.0


def watch(look, ended):
    """Looks every twenty milliseconds until all has ended."""
    while not ended.wait(0.02):
        with contextlib.suppress(OSError):
            look()


def run(command, limit):
    """Runs a program to its end; stops everything when it fails or takes too long."""
    with tempfile.TemporaryFile() as told:
        begun = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=told, stderr=subprocess.STDOUT)
        timer = threading.Timer(limit, process.kill)
        timer.start()
        # What wait4 tells of the peak may be that of this Python, from before the program took its place.
        seen, ended = [0.0], threading.Event()
        watcher = threading.Thread(target=watch, args=(lambda: seen.append(peak_of(process.pid)), ended), daemon=True)
        watcher.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        timer.cancel()
        ended.set()
        watcher.join()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            told.seek(0)
            lines = told.read().decode("utf-8", "replace")[-2000:]
            sys.exit(f"{' '.join(command)}\nended with {process.returncode}:\n{lines}")
    return Run(usage.ru_utime + usage.ru_stime, wall, max(seen))


class Server:
    """A process that goes on: scheduler or executor."""

    def __init__(self, name, command, core=None):
        self.name = name
        held = ["taskset", "-c", str(core)] if core is not None else []
        self.messages = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [*held, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.messages, text=True)

    def listening(self):
        """The address it says that it listens on."""
        found = []

        def read():
            for line in self.process.stdout:
                if match := re.search(r"listening on (\S+:\d+)", line):
                    found.append(match[1])
                    break

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        reader.join(START)
        if not found:
            self.messages.seek(0)
            sys.exit(f"{self.name} does not listen after {START} s:\n{self.messages.read().decode('utf-8', 'replace')}")
        return found[0]

    def cpu(self):
        """Seconds of CPU so far."""
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak(self):
        """MB at the peak."""
        return peak_of(self.process.pid)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Cluster:
    """A scheduler with executors of one core each."""

    def __init__(self, servers, arguments, executors, folder):
        program = os.path.join(arguments.bin, "marsad-cluster")
        self.scheduler = Server("scheduler", [program, "scheduler", "--port", "0"])
        servers.callback(self.scheduler.stop)
        self.address = self.scheduler.listening()
        self.executors, self.folders = [], []
        for number in range(executors):
            work = os.path.join(folder, f"work-{executors}-{number}")
            os.makedirs(work)
            command = [program, "executor", "--scheduler", self.address, "--port", "0", "--grpc-port", "0",
                       "--cores", "1", "--work-dir", work, *arguments.model]
            core = number if shutil.which("taskset") and number < (os.cpu_count() or 1) else None
            executor = Server(f"executor {number + 1} of {executors}", command, core)
            servers.callback(executor.stop)
            self.executors.append(executor)
            self.folders.append(work)
        for executor in self.executors:
            executor.listening()

    def cpu(self):
        return [executor.cpu() for executor in self.executors]

    def note_files(self, files):
        """Notes the files in the executors' work folders, with the most bytes that each was seen with."""
        for work in self.folders:
            for path, _, names in os.walk(work):
                for name in names:
                    with contextlib.suppress(OSError):
                        file = os.path.join(path, name)
                        files[file] = max(files.get(file, 0), os.path.getsize(file))


def median(values, digits=2):
    return f"{statistics.median(values):.{digits}f}"


def spread(values, digits=2):
    return f"{median(values, digits)} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def ratios(slower, faster):
    """How many times as long: the ratios of runs that followed each other."""
    return [a.wall / b.wall for a, b in zip(slower, faster)]


def table(title, header, rows):
    print(f"\n{title}\n\n| {' | '.join(header)} |\n|{'---|' * len(header)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    sys.stdout.flush()


def same_columns(labels, source):
    """The statement that gives what `predict --keep outlet,day` gives, but for `line`."""
    scores = "".join(f", event_scores(text)['{label}'] AS \"score.{label}\"" for label in labels)
    return (f"SELECT id, doc, 0 AS start, octet_length(text) AS \"end\", text, event_labels(text) AS labels{scores}, "
            f"event_evidence(text) AS evidence, outlet AS \"input.outlet\", day AS \"input.day\" FROM {source}")


def compared(predicted, queried):
    """The number of rows, when both files hold the same in the columns of both."""
    one, other = pq.read_table(predicted), pq.read_table(queried)
    for name in other.column_names:
        left, right = one.column(name).to_pylist(), other.column(name).to_pylist()
        wrong = [row for row, (a, b) in enumerate(zip(left, right)) if a != b]
        if len(left) != len(right) or wrong:
            row = wrong[0] if wrong else min(len(left), len(right))
            sys.exit(f"{name} differs in {len(wrong)} of {len(left)} and {len(right)} rows, first in row {row + 1}: "
                     f"{left[row:row + 1]} {right[row:row + 1]}")
    return one.num_rows


def beside_predict(arguments, folder):
    marsad = os.path.join(arguments.bin, "marsad")
    source = parquet.write_files(arguments.rows, os.path.join(folder, "one"), 1)[0]
    predicted, queried = os.path.join(folder, "predicted.parquet"), os.path.join(folder, "queried.parquet")
    predict = [marsad, "predict", source, "--keep", ",".join(KEEP), "-o", predicted, *arguments.model]
    run(predict, arguments.limit)
    labels = [name.removeprefix("score.") for name in pq.read_schema(predicted).names if name.startswith("score.")]
    statement = arguments.statement or same_columns(labels, "rows")
    sql = [marsad, "sql", statement, "--table", f"rows={source}", "-o", queried, *arguments.model]
    run(sql, arguments.limit)
    equal = f"{compared(predicted, queried)} rows equal" if not arguments.statement else "rows not compared"
    rows = []
    for threads in sorted({1, arguments.threads}):
        runs = {"predict": [], "sql": []}
        for _ in range(arguments.runs):
            for name, command in [("predict", predict), ("sql", sql)]:
                runs[name].append(run([*command, "--threads", str(threads)], arguments.limit))
        for name, found in runs.items():
            times = spread(ratios(found, runs["predict"]), 3) if name == "sql" else "1"
            cpus = [a.cpu / b.cpu for a, b in zip(found, runs["predict"])]
            rows.append([name, str(threads), spread([one.wall for one in found]), times, spread([one.cpu for one in found]),
                         median(cpus, 3) if name == "sql" else "1", median([one.peak for one in found], 0),
                         f"{arguments.rows / statistics.median([one.wall for one in found]):,.0f}"])
    size = os.path.getsize(source) / 1e6
    table(f"`marsad sql` beside `marsad predict`: {arguments.rows:,} rows of one Parquet file ({size:.1f} MB) to one Parquet "
          f"file, the same columns; {equal}; {arguments.runs} runs each in turns",
          ["program", "threads", "wall s", "times predict", "CPU s", "times predict", "peak MB", "rows/s"], rows)


COUNTS = """SELECT day, label, count(*) AS rows FROM (SELECT day, unnest(event_labels(text)) AS label FROM rows)
GROUP BY day, label ORDER BY day, label"""
ROWS = "SELECT id, day, event_labels(text) AS labels, event_scores(text) AS scores FROM rows"


def executors(arguments, folder):
    marsad = os.path.join(arguments.bin, "marsad")
    source = os.path.join(folder, "many")
    parquet.write_files(arguments.cluster_rows, source, arguments.files)
    for what, statement in [("counts by label and day", COUNTS), ("a row for each row", ROWS)]:
        with contextlib.ExitStack() as servers:
            work = os.path.join(folder, what.replace(" ", "-"))
            clusters = [Cluster(servers, arguments, number, work) for number in (1, 2)]

            def job(cluster, output):
                command = [marsad, "sql", statement, "--table", f"rows={source}", "-o", output, *arguments.model]
                return run(command + (["--cluster", cluster.address] if cluster else []), arguments.limit)

            outputs = [os.path.join(folder, f"{name}.parquet") for name in ("here", "one", "two")]
            job(None, outputs[0])
            shuffled = {}
            for number, cluster in zip((1, 2), clusters):
                # They are removed when the rows have been fetched; looking costs time, so not while it is measured.
                files, ended = {}, threading.Event()
                watcher = threading.Thread(target=watch, args=(lambda: cluster.note_files(files), ended), daemon=True)
                watcher.start()
                job(cluster, outputs[number])
                ended.set()
                watcher.join()
                shuffled[number] = sum(files.values()) / 1e6
            alone = sorted(map(repr, pq.read_table(outputs[0]).to_pylist()))
            for output in outputs[1:]:
                if sorted(map(repr, pq.read_table(output).to_pylist())) != alone:
                    sys.exit(f"{what}: the cluster gives other rows than one process ({output})")
            costs = {1: [], 2: []}
            shares = {1: [], 2: []}
            for _ in range(arguments.runs):
                for number, cluster in zip((1, 2), clusters):
                    before = cluster.cpu()
                    costs[number].append(job(cluster, outputs[number]))
                    shares[number].append([now - then for now, then in zip(cluster.cpu(), before)])
            rows = []
            for number, cluster in zip((1, 2), clusters):
                found = costs[number]
                share = " + ".join(median([one[place] for one in shares[number]]) for place in range(number))
                peak = " + ".join(f"{executor.peak():.0f}" for executor in cluster.executors)
                faster = spread(ratios(costs[1], found), 3) if number == 2 else "1"
                rows.append([str(number), spread([one.wall for one in found]), faster, share, median([one.cpu for one in found]),
                             peak, f"{cluster.scheduler.peak():.0f}", median([one.peak for one in found], 0), f"{shuffled[number]:.2f}"])
            table(f"Executors of one core: {what}, {arguments.cluster_rows:,} rows in {arguments.files} Parquet files; "
                  f"{len(alone):,} rows equal to those of one process; {arguments.runs} runs each in turns",
                  ["executors", "wall s", "times as fast", "CPU s, executors", "CPU s, client", "peak MB, executors", "scheduler",
                   "client", "MB through work folders"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    parser.add_argument("--bin", default=os.path.join(root, "target", "release"),
                        help="folder with marsad and marsad-cluster [default: target/release]")
    parser.add_argument("-m", "--model", help="model file [default: the model built in]")
    parser.add_argument("--rows", type=int, default=200_000, help="rows of the one file [default: 200000]")
    parser.add_argument("--cluster-rows", type=int, help="rows of the many files [default: as --rows]")
    parser.add_argument("--files", type=int, default=16, help="files, at least 8 [default: 16]")
    parser.add_argument("--runs", type=int, default=7, help="runs of each [default: 7]")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="threads beside 1 [default: all]")
    parser.add_argument("--statement", help="another statement over the table rows, for `sql` beside `predict`")
    parser.add_argument("--only", choices=["predict", "cluster"], help="measure one of both")
    parser.add_argument("--limit", type=int, default=900, help="seconds after which a run is given up [default: 900]")
    parser.add_argument("--work", help="folder for files [default: one that vanishes]")
    arguments = parser.parse_args()
    if arguments.files < 8:
        parser.error("--files: at least 8")
    arguments.bin = os.path.abspath(arguments.bin)
    arguments.model = ["--model", os.path.abspath(arguments.model)] if arguments.model else []
    arguments.cluster_rows = arguments.cluster_rows or arguments.rows
    begun, load = time.time(), os.getloadavg()[0]
    version = subprocess.run([os.path.join(arguments.bin, "marsad"), "--version"], capture_output=True, text=True).stdout.strip()
    with tempfile.TemporaryDirectory(dir=arguments.work) as folder:
        if arguments.only != "cluster":
            beside_predict(arguments, folder)
        if arguments.only != "predict":
            executors(arguments, folder)
    print(f"\n{version}; {platform.system()} {platform.release()}, {os.cpu_count()} cores, Python {platform.python_version()}; "
          f"`python3 benches/sql.py {' '.join(sys.argv[1:])}`, {(time.time() - begun) / 60:.1f} minutes, load {load:.1f} before, "
          f"{os.getloadavg()[0]:.1f} after")


if __name__ == "__main__":
    main()
