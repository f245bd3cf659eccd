"""The programs that are timed: how each is asked to train and to predict."""
import json, os, shutil, subprocess, sys
from dataclasses import dataclass
from pathlib import Path

from measure import Command
from shared import REPOSITORY

HERE = Path(__file__).parent


@dataclass
class Training:
    """A file of label<TAB>text; `one`: exactly one label a row, else any number with commas between them."""

    name: str
    path: Path
    rows: int
    one: bool
    labels: int

    @property
    def labels_a_row(self):
        return "one" if self.one else "any"


def answer(arguments):
    """The first line that a command prints; None if it cannot be run."""
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=120)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return (done.stdout or done.stderr).strip().split("\n")[0] if done.returncode == 0 else None


class Peer:
    """What fastText, scikit-learn and Vowpal Wabbit have in common. `form` is what convert.py makes for it."""

    form = None
    slow = False  # predicts a tenth of the rows
    most_rows = None  # trains on no more than these
    bare = None  # what starts its interpreter and imports, and does no more
    built_in = False  # has a model of six labels that need not be trained first
    first = True  # takes part in all; else only in training on TRAIN, as the same program with other options

    def converted(self, source, target, *labels_a_row):
        """Where the program's own form of a file is to be, and the command that makes it."""
        if self.form is None:
            return source, None
        return target, Command([sys.executable, HERE / "convert.py", self.form, source, target, *labels_a_row])

    def predictions(self, one, model, texts, output):
        """The ways to predict a file that are timed, by name."""
        return {"text": self.predict(one, model, texts, output)}

    def model_file(self, model):
        return model

    def model_size(self, model):
        """In MB."""
        return os.path.getsize(self.model_file(model)) / 1e6

    def shipped_size(self, model):
        """Of the model that predicts six labels."""
        return self.model_size(model)

    def test(self, model, texts, output):
        """Predicts the one label of each text, a line a text, for `label` to read."""
        return self.predict(True, model, texts, output)

    def label(self, line):
        return line.strip()


class FastText(Peer):
    name = "fastText"
    settings = "`supervised` as it comes; six labels: `-loss one-vs-all`, those above one half"
    form = "fasttext"

    def version(self):
        if not shutil.which("fasttext"):
            return None
        return answer(["dpkg-query", "-W", "-f", "${Version}", "fasttext"]) or "version unknown"

    def train(self, training, source, model, threads):
        loss = [] if training.one else ["-loss", "one-vs-all"]
        options = ["-input", source, "-output", model, "-thread", threads, "-verbose", "0"]
        return Command(["fasttext", "supervised", *options, *loss])

    def model_file(self, model):
        return f"{model}.bin"

    def predict(self, one, model, texts, output):
        several = [] if one else ["-1", "0.5"]
        return Command(["fasttext", "predict", self.model_file(model), texts, *several], output)

    def label(self, line):
        return line.strip().removeprefix("__label__")


class ScikitLearn(Peer):
    name = "scikit-learn, char_wb 2–5"
    settings = "tf-idf (sublinear, min_df 2) of char_wb n-grams 2–5, LinearSVC with C 0.3; six labels: one-vs-rest"
    slow = True
    bare = Command([sys.executable, HERE / "run_sklearn.py", "start"])

    def version(self):
        return answer([sys.executable, "-c", "import joblib, sklearn; print(sklearn.__version__)"])

    def train(self, training, source, model, threads):
        return Command([sys.executable, HERE / "run_sklearn.py", "train", training.labels_a_row, source, model])

    def predict(self, one, model, texts, output):
        return Command([sys.executable, HERE / "run_sklearn.py", "predict", model, texts, output])


class VowpalWabbit(Peer):
    """PyPI's package has the library alone, which reads the same options and files as the command `vw`."""

    LIBRARY = "import sys; from vowpalwabbit import pyvw; pyvw.Workspace(arg_list=sys.argv[1:]).finish()"
    COMMON = "-b 22 --loss_function logistic --ngram w2 --passes 8 -l 0.5 --holdout_off --random_seed 1 --quiet"

    def __init__(self, name, form, options, **limits):
        self.name, self.form, self.options = f"Vowpal Wabbit, {name}", form, options
        self.settings = f"`{' '.join([self.COMMON, *options])}`; six labels: `--multilabel_oaa`"
        self.start = ["vw"] if shutil.which("vw") else [sys.executable, "-c", self.LIBRARY]
        self.bare = None if shutil.which("vw") else Command([sys.executable, "-c", "from vowpalwabbit import pyvw"])
        self.__dict__.update(limits)

    def version(self):
        if shutil.which("vw"):
            return answer(["vw", "--version"])
        return answer([sys.executable, "-c", "import vowpalwabbit; print(vowpalwabbit.__version__)"])

    def train(self, training, source, model, threads):
        task = "--oaa" if training.one else "--multilabel_oaa"
        files = ["-d", source, "-f", model, "--cache_file", f"{model}.cache", "-k"]
        return Command([*self.start, *files, task, training.labels, *self.COMMON.split(), *self.options])

    def predict(self, one, model, texts, output):
        return Command([*self.start, "-t", "-i", model, "-d", texts, "-p", output, "--quiet"])

    def label(self, line):
        return f"c{float(line):.0f}"


class Marsad(Peer):
    built_in = True

    def __init__(self, program, options, model, first):
        self.program, self.options, self.shipped, self.first = program, options, model, first
        self.name = "Marsad" if first else f"Marsad {' '.join(options)}"
        self.settings = f"training: `{' '.join(['--single-label', *options])}`"
        if first:
            self.settings += f"; six labels: {f'`{model.name}`' if model else 'the model built into the program'}"

    def version(self):
        return answer([self.program, "--version"])

    def train(self, training, source, model, threads):
        """The bundled corpus with the defaults, since that is how the model that ships is made."""
        options = [source, "--single-label", *self.options] if training.one else []
        return Command([self.program, "train", *options, "-o", self.model_file(model), "--threads", threads])

    def model_file(self, model):
        return f"{model}.safetensors"

    def shipped_size(self, model):
        return os.path.getsize(self.shipped or REPOSITORY / "models" / "conflict-events.safetensors") / 1e6

    def predict(self, one, model, texts, output, threads=1, form="text"):
        which = ["-m", self.model_file(model)] if one else ["-m", self.shipped] if self.shipped else []
        split = ["--from", "text", "--split", "no", "--to", "tsv"] if form == "text" else []
        return Command([self.program, "predict", texts, *which, *split, "--threads", threads, "-o", output])

    def test(self, model, texts, output):
        return self.predict(True, model, Path(texts).with_suffix(".jsonl"), output, form="jsonl")

    def label(self, line):
        return ",".join(json.loads(line)["labels"])

    def predictions(self, one, model, texts, output):
        rows = Path(texts).with_suffix(".jsonl")
        return {
            "text": self.predict(one, model, texts, output),
            "JSON Lines": self.predict(one, model, rows, output, form="jsonl"),
            "text, two threads": self.predict(one, model, texts, output, threads=2),
            "JSON Lines, two threads": self.predict(one, model, rows, output, threads=2, form="jsonl"),
        }


def all_programs(marsad, trainings, model):
    ours = [Marsad(marsad, options, model, number == 0) for number, options in enumerate(trainings or [[]])]
    affixes = ["--affix", "+2w,+3w,-2w,-3w"]
    # What convert.py writes for the n-grams is thirty times the text.
    grams = VowpalWabbit("char n-grams 2–5", "vw-grams", [], slow=True, most_rows=25_000)
    return [*ours, FastText(), VowpalWabbit("words and affixes", "vw-words", affixes), grams, ScikitLearn()]
