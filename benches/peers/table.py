"""The table of all that was measured, in Markdown, and what belongs beneath it."""
import math, os, platform, shlex, sys, time
from pathlib import Path

from measure import spread
from shared import table_head, table_line

NOTHING = "–"


def three_digits(value):
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 100 else f"{value:.3g}"


def figures(records, value, form=three_digits):
    """Median and spread of `value` of each record."""
    if records is None:
        return "failed"
    return spread([value(record) for record in records], form) if records else NOTHING


def peak(records, floor):
    if not records:
        return figures(records, None)
    most = max(record["peak_mb"] for record in records)
    return f"under {math.ceil(floor)}" if most < floor + 0.5 else three_digits(most)


def rate(records):
    return figures(records, lambda record: record["rows"] / record["cpu"])


def per_round(first, second, value):
    """`value` of two runs of each round; those that it says None of are left out."""
    if first is None or second is None:
        return "failed"
    seconds = {record["round"]: record for record in second}
    pairs = [(record, seconds[record["round"]]) for record in first if record["round"] in seconds]
    values = [found for pair in pairs if (found := value(*pair)) is not None]
    return spread(values, three_digits) if values else NOTHING


def loaded_rate(large, small, unit):
    """Start and loading fall out of the difference between many rows and few."""
    seconds = large["cpu"] - small["cpu"]
    return (large[unit] - small[unit]) / seconds if seconds > 0 else None


def training_lines(records, programs, training, floor):
    def line(what, cell):
        return [f"training, {training.name}: {what}"] + [cell(program) for program in programs]

    def runs(program):
        return records.of("train", program, training=training.name)

    def conversion(program):
        return records.of("conversion", program, input=training.name)

    def model(program):
        return records.of("model", program, training=training.name)

    yield line("CPU s", lambda program: figures(runs(program), lambda run: run["cpu"]))
    yield line("wall s", lambda program: figures(runs(program), lambda run: run["wall"]))
    yield line("peak MB", lambda program: peak(runs(program), floor))
    yield line("model MB", lambda program: figures(model(program), lambda run: run["model_mb"]))
    if training.one:
        yield line("macro-F1", lambda program: figures(model(program), lambda run: run["f1"], "{:.4f}".format))
    yield line("conversion before, CPU s", lambda program: figures(conversion(program), lambda run: run["cpu"]))


def prediction_lines(records, programs, floor):
    def line(what, cell):
        return [f"prediction, six labels: {what}"] + [cell(program) for program in programs]

    def runs(program, way, part="large"):
        return records.of("predict", program, way=way, part=part)

    def loaded(program, way, unit="rows"):
        small = runs(program, way, "small")
        return per_round(runs(program, way), small, lambda large, small: loaded_rate(large, small, unit))

    def gain(program, way):
        two = runs(program, f"{way}, two threads")
        return per_round(runs(program, way), two, lambda one, two: one["wall"] / two["wall"])

    for way in ("text", "JSON Lines"):
        yield line(f"{way}, whole process, sentences/s", lambda program: rate(runs(program, way)))
        yield line(f"{way}, model loaded, sentences/s", lambda program: loaded(program, way))
        yield line(f"{way}, model loaded, MB of text/s", lambda program: loaded(program, way, "megabytes"))
        yield line(f"{way}, two threads faster by", lambda program: gain(program, way))
    yield line("text, peak MB", lambda program: peak(runs(program, "text"), floor))
    yield line("conversion before, sentences/s", lambda program: rate(records.of("conversion", program, input="texts")))


def start_lines(records, programs, floor):
    def line(what, stage, cell):
        return [what] + [cell(records.of(stage, program)) for program in programs]

    def milliseconds(clock):
        return lambda runs: figures(runs, lambda run: 1000 * run[clock])

    yield line("one sentence: CPU ms", "start", milliseconds("cpu"))
    yield line("one sentence: wall ms", "start", milliseconds("wall"))
    yield line("one sentence: peak MB", "start", lambda runs: peak(runs, floor))
    yield line("of that Python and imports: CPU ms", "bare", milliseconds("cpu"))
    yield line("model of six labels, MB", "shipped", lambda runs: figures(runs, lambda run: run["model_mb"]))


def table(records, programs, trainings, floor):
    lines = [line for training in trainings for line in training_lines(records, programs, training, floor)]
    lines += prediction_lines(records, programs, floor)
    lines += start_lines(records, programs, floor)
    told = [line for line in lines if any(cell != NOTHING for cell in line[1:])]
    return "\n".join([table_head([""] + [program.name for program in programs]), *map(table_line, told)])


def first_match(path, key):
    """The value of the first line "key: value" of a file of the kernel's."""
    try:
        with open(path, encoding="utf-8") as file:
            return next((line.split(":", 1)[1].strip() for line in file if line.startswith(key)), "unknown")
    except OSError:
        return "unknown"


def machine():
    memory = first_match("/proc/meminfo", "MemTotal").removesuffix(" kB")
    memory = f"{int(memory) / 2**20:.0f} GB" if memory.isdigit() else "unknown memory"
    processor = first_match("/proc/cpuinfo", "model name")
    return f"{os.cpu_count()} cores of {processor}, {memory}; {platform.system()} {platform.release()}"


def command_line():
    """Without folders: what matters of a path here is the file's name."""
    words = [Path(word).name if os.path.exists(word) else word for word in sys.argv[1:]]
    return shlex.join(["python3", "benches/peers/speed.py", *words])


def load():
    return f"{os.getloadavg()[0]:.1f}"


def beneath(programs, absent, floor, load_before, seconds):
    yield f"{time.strftime('%Y-%m-%d')}, {machine()}; Python {platform.python_version()}"
    yield f"`{command_line()}`: {seconds / 60:.1f} minutes; load {load_before} before, {load()} after"
    yield f"peaks under {floor:.0f} MB cannot be told"
    for program in programs:
        yield f"{program.name}: {program.told_version}; {program.settings}"
    for program in absent:
        yield f"{program.name}: not installed, left out"
    for program in programs:
        if program.most_rows:
            yield f"{program.name}: not trained on more than {program.most_rows:,} rows"
