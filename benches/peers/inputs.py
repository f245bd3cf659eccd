"""The files that the programs read. All are written row by row, so that any number fits."""
import gzip, itertools, json
from dataclasses import dataclass
from pathlib import Path

from programs import Training
from shared import corpus


@dataclass
class Texts:
    """One text a line, and beside it the same as JSON Lines."""

    path: Path
    rows: int
    megabytes: float


class Numbers(dict):
    """c1, c2, … for the labels in the order they are met: names that every program takes."""

    def __missing__(self, label):
        self[label] = f"c{len(self) + 1}"
        return self[label]


def lines(path):
    """Label and text of each row; the label is empty where a row has none. White space becomes one blank."""
    with (gzip.open if str(path).endswith(".gz") else open)(path, "rt", encoding="utf-8", newline="\n") as file:
        for line in file:
            label, tab, text = line.partition("\t")
            if text := " ".join((text if tab else line).split()):
                yield label if tab else "", text


def training_files(path, sizes, numbers, folder):
    """The first rows of the file, once for every size."""
    made = []
    for size in sizes:
        target, rows, found = folder / f"train-{size}.tsv", 0, set()
        with open(target, "w", encoding="utf-8") as output:
            for label, text in itertools.islice(lines(path), size):
                found.add(numbers[label])
                output.write(f"{numbers[label]}\t{text}\n")
                rows += 1
        if rows < size:
            raise SystemExit(f"{path} has {rows:,} rows, and {size:,} are asked for")
        # Vowpal Wabbit is told how many there are, and numbers may have gaps in a small part of the file.
        made.append(Training(f"{rows:,} rows", target, rows, True, max(int(name[1:]) for name in found)))
    return made


def corpus_file(folder):
    """The bundled corpus, with labels as they stand there."""
    numbers, rows, target = Numbers(), 0, folder / "train-corpus.tsv"
    with open(target, "w", encoding="utf-8") as output:
        for row in corpus():
            text = " ".join(row["text"].split())
            output.write(f"{','.join(sorted(numbers[label] for label in row['labels']))}\t{text}\n")
            rows += 1
    return Training(f"bundled corpus, {rows:,} rows", target, rows, False, len(numbers))


def text_files(texts, folder, name):
    """One text a line and JSON Lines of the same."""
    path, rows, size = folder / f"{name}.txt", 0, 0
    with open(path, "w", encoding="utf-8") as plain, open(path.with_suffix(".jsonl"), "w", encoding="utf-8") as objects:
        for text in texts:
            rows += 1
            size += len(text.encode()) + 1
            plain.write(text + "\n")
            objects.write(json.dumps({"id": rows, "text": text}, ensure_ascii=False) + "\n")
    return Texts(path, rows, size / 1e6)


def over_and_over(path, rows):
    """As many texts as asked for, from the file's beginning again where it ends."""
    given = 0
    while given < rows:
        before = given
        for _, text in itertools.islice(lines(path), rows - given):
            given += 1
            yield text
        if given == before:
            raise SystemExit(f"{path} holds no text")


def test_files(path, numbers, folder):
    """The texts of the test file, and its labels one a line."""
    with open(folder / "test.labels", "w", encoding="utf-8") as labels:
        labels.writelines(f"{numbers[label]}\n" for label, _ in lines(path))
    return text_files((text for _, text in lines(path)), folder, "test")
