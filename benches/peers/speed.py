#!/usr/bin/env python3
"""How fast, small and accurate Marsad is beside fastText, Vowpal Wabbit and scikit-learn, in one table.

    python3 benches/peers/speed.py TRAIN.tsv TEST.tsv [--sizes 1600:3,16000:3,160000:1] [--raw runs.jsonl]

TRAIN and TEST hold label<TAB>text, one label a row, and may be compressed (.gz). Programs that are not installed
are left out and named. README.md says what to install, how long it takes and what is measured how.
"""
import argparse, os, shlex, shutil, sys, tempfile, time
from pathlib import Path

import inputs
from measure import Failed, floor
from programs import all_programs
from records import Records, macro_f1
from shared import REPOSITORY
from table import beneath, load, table


def sizes(text):
    """"1600:3,16000" to pairs of rows and runs; runs may be missing."""
    pairs = [part.partition(":") for part in text.split(",")]
    return [(int(rows), int(runs) if runs else None) for rows, _, runs in pairs]


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path, help="rows to train on; the first ones are taken")
    parser.add_argument("test", type=Path, help="rows to measure accuracy on")
    parser.add_argument("--text", type=Path, help="texts to time prediction on: one a line or label<TAB>text [TRAIN]")
    parser.add_argument("--sizes", type=sizes, default=[(16000, None)], metavar="ROWS[:RUNS],…",
                        help="how many rows to train on, and how often each [16000]")
    parser.add_argument("--rows", type=int, default=200_000,
                        help="texts to predict, slow programs a tenth; the file is repeated if it is short [200000]")
    parser.add_argument("--runs", type=int, default=3, help="runs of each program where nothing else is said [3]")
    parser.add_argument("--corpus-runs", type=int, default=1, help="trainings on the bundled corpus [1]")
    parser.add_argument("--starts", type=int, default=30, help="runs that predict one sentence [30]")
    parser.add_argument("--threads", type=int, default=2, help="threads for training, where a program has them [2]")
    parser.add_argument("--only", help="peers whose names hold one of these words, with commas between [all]")
    parser.add_argument("--marsad", type=Path, default=REPOSITORY / "target/release/marsad", help="the program")
    parser.add_argument("--marsad-train", type=shlex.split, action="append", metavar="OPTIONS",
                        help='options of marsad train on TRAIN, as --marsad-train="--learner logistic"; may be given '
                             "again, and each becomes a column")
    parser.add_argument("--marsad-model", type=Path, help="model that predicts [the one built into the program]")
    parser.add_argument("--raw", type=Path, help="file for every single run, as JSON Lines")
    parser.add_argument("--limit", type=int, default=1200, help="seconds after which a run is ended [1200]")
    parser.add_argument("--work", type=Path, help="folder to keep all files in [a temporary one]")
    return parser.parse_args()


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr)


def installed(given):
    """The programs to run, and those that are not there."""
    wanted = given.only.lower().split(",") if given.only else [""]
    present, absent = [], []
    for number, program in enumerate(all_programs(given.marsad, given.marsad_train, given.marsad_model)):
        if program.name.startswith("Marsad") or any(word in program.name.lower() for word in wanted):
            program.told_version, program.number = program.version(), number
            (present if program.told_version else absent).append(program)
    return present, absent


def convert(records, program, source, stem, rows, name, *labels_a_row):
    """The file in the program's own form; None if that fails."""
    target, command = program.converted(source, records.folder / f"{stem}.{program.number}", *labels_a_row)
    if command and not records.take(command, "conversion", program, input=name, rows=rows):
        return None
    return target


def train(records, programs, training, runs, threads):
    """Trains each program once a round. Gives the models, by the programs' numbers."""
    say(f"training on {training.name}")
    about = {"training": training.name, "rows": training.rows}
    sources, models = {}, {}
    for program in programs:
        if not program.most_rows or training.rows <= program.most_rows:
            stem = training.path.stem
            source = convert(records, program, training.path, stem, training.rows, training.name, training.labels_a_row)
            if source:
                sources[program] = source
                models[program] = records.folder / f"{stem}-model{program.number}"
    for number in range(runs):
        for program in list(sources):
            command = program.train(training, sources[program], models[program], threads)
            if not records.take(command, "train", program, round=number, **about):
                del sources[program], models[program]
    for model in models.values():
        Path(f"{model}.cache").unlink(missing_ok=True)
    return models


def measure_models(records, training, models, test):
    """Size of each model and, for one label a row, macro-F1 on the test file."""
    for program, model in models.items():
        found = {"model_mb": program.model_size(model), "training": training.name}
        output = records.folder / "test.out"
        source = convert(records, program, test.path, "test", test.rows, "test") if training.one else None
        if source and records.take(program.test(model, source, output), "test", program, training=training.name):
            try:
                found["f1"] = macro_f1(records.folder / "test.labels", output, program.label)
            except (Failed, KeyError, ValueError) as failure:
                found["failed"] = repr(failure)
                print(f"{program.name}: {failure!r}", file=sys.stderr)
        records.add(stage="model", program=program.name, **found)


def predict(records, models, texts, runs):
    """Each round runs every program on many rows and on a tenth of them."""
    sources = {}
    for program in models:
        parts = texts[1:] if program.slow else texts[:2]
        for part, text in zip(("large", "small"), parts):
            name = "texts" if part == "large" else "a tenth of the texts"
            source = convert(records, program, text.path, text.path.stem, text.rows, name)
            if source:
                sources[program, part] = (source, text)
    for number in range(runs):
        say(f"prediction, round {number + 1}")
        for (program, part), (source, text) in sources.items():
            ways = program.predictions(False, models[program], source, records.folder / "predicted.out")
            for way, command in ways.items():
                if part == "large" or "two threads" not in way:
                    about = {"way": way, "part": part, "round": number, "rows": text.rows, "megabytes": text.megabytes}
                    records.take(command, "predict", program, **about)


def start(records, models, text, runs):
    """From nothing to one sentence predicted."""
    say("one sentence")
    sources = {program: convert(records, program, text.path, text.path.stem, 1, "one") for program in models}
    for number in range(runs):
        for program, source in sources.items():
            if source:
                command = program.predict(False, models[program], source, records.folder / "one.out")
                records.take(command, "start", program, round=number)
            if program.bare:
                records.take(program.bare, "bare", program, round=number)


def prediction_texts(path, rows, folder):
    """All texts, the first tenth of them and the first hundredth."""
    parts = [rows, max(rows // 10, 1), max(rows // 100, 1)]
    return [inputs.text_files(inputs.over_and_over(path, part), folder, f"text{part}") for part in parts]


def measure_all(given, records, programs):
    """Runs everything; gives what was trained on, for the table."""
    numbers, folder = inputs.Numbers(), records.folder
    files = inputs.training_files(given.train, [rows for rows, _ in given.sizes], numbers, folder)
    test = inputs.test_files(given.test, numbers, folder)
    for training, (_, runs) in zip(files, given.sizes):
        models = train(records, programs, training, runs or given.runs, given.threads)
        measure_models(records, training, models, test)
    corpus = inputs.corpus_file(folder)
    leading = [program for program in programs if program.first]
    models = train(records, leading, corpus, given.corpus_runs, given.threads)
    measure_models(records, corpus, models, test)
    models = {program: models.get(program) for program in leading if program in models or program.built_in}
    for program, model in models.items():
        records.add(stage="shipped", program=program.name, model_mb=program.shipped_size(model))
    texts = prediction_texts(given.text or given.train, given.rows, folder)
    say(f"{texts[0].rows:,} texts of {1e6 * texts[0].megabytes / texts[0].rows:.0f} bytes to predict")
    predict(records, models, texts, given.runs)
    start(records, models, inputs.text_files(inputs.over_and_over(given.test, 1), folder, "text1"), given.starts)
    return [*files, corpus], texts[0]


def main():
    given = options()
    began, load_before = time.monotonic(), load()
    programs, absent = installed(given)
    folder = given.work or Path(tempfile.mkdtemp(prefix="marsad-peers-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        least = floor(folder)
        with open(given.raw or os.devnull, "w", encoding="utf-8") as raw:
            records = Records(folder, given.limit, raw)
            trainings, texts = measure_all(given, records, programs)
        print(table(records, programs, trainings, least))
        print(f"\nPrediction: {texts.rows:,} texts of {1e6 * texts.megabytes / texts.rows:.0f} bytes.\n")
        for line in beneath(programs, absent, least, load_before, time.monotonic() - began):
            print(f"- {line}")
    finally:
        if not given.work:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
