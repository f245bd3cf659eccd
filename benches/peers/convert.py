"""Writes label<TAB>text, or one text a line, in the form that a program reads.

    convert.py fasttext|vw-words|vw-grams SOURCE TARGET [one|any]

With "one" or "any" the rows have labels (c1, c2, … with commas between them): exactly one, or any number. They are
shuffled, since neither program does that itself and both learn little from rows in order of label.
"""
import random, sys
from shared import vw_features, words_and_marks


def fasttext_labels(labels):
    return " ".join(f"__label__{label}" for label in labels or ["none"]) + " "


def vw_labels(labels, several):
    """Numbers from 1 for one label a row, from 0 for several: so Vowpal Wabbit wants them."""
    return ",".join(str(int(label[1:]) - several) for label in labels) + " "


def features(form, text):
    """Of the ways to cut a text, those with which the program did best on 16,000 sentences of news."""
    if form == "fasttext":
        return " ".join(words_and_marks(text))
    return vw_features(text, text.split() if form == "vw-grams" else ())


def main():
    form, source, target, *rest = sys.argv[1:]
    several = rest == ["any"]
    with open(source, encoding="utf-8", newline="\n") as file:
        lines = file.read().removesuffix("\n").split("\n")
    if rest:
        random.Random(0).shuffle(lines)
    with open(target, "w", encoding="utf-8") as file:
        for line in lines:
            before = ""
            if rest:
                names, line = line.split("\t", 1)
                labels = names.split(",") if names else []
                before = fasttext_labels(labels) if form == "fasttext" else vw_labels(labels, several)
            file.write(before + features(form, line) + "\n")


if __name__ == "__main__":
    main()
