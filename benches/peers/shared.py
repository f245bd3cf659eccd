"""What accuracy.py and speed.py share: the bundled corpus, and how text is made ready for the other programs."""
import json, re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def read(paths):
    """The rows of JSON Lines files, one at a time."""
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for line in file:
                if line.strip():
                    yield json.loads(line)


def corpus():
    """The annotated sentences that the shipped model was trained on."""
    paths = sorted((REPOSITORY / "data" / "corpus").glob("*.jsonl"))
    if not paths:
        raise SystemExit("data/corpus is missing: run this from a clone of the repository")
    return read(paths)


def words(text):
    return re.findall(r"\w+", text)


def words_and_marks(text):
    return re.findall(r"\w+|[^\w\s]+", text)


def vw_features(text, parts=()):
    """A text's words for Vowpal Wabbit and, since it makes none itself, the n-grams of 2–5 characters of `parts`."""
    grams = []
    for part in parts:
        # Vowpal Wabbit reads a colon as the start of a value, a bar as that of a namespace.
        marked = f"_{part}_".replace(":", "ː").replace("|", "ǀ")
        for length in (2, 3, 4, 5):
            grams += [marked[start : start + length] for start in range(len(marked) - length + 1)]
    return f"|w {' '.join(words(text))}" + (f" |c {' '.join(grams)}" if grams else "")


def tfidf(**settings):
    """Imported here and not above: speed.py runs without scikit-learn."""
    import numpy
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(sublinear_tf=True, min_df=2, dtype=numpy.float32, **settings)


def tfidf_of_characters():
    return tfidf(analyzer="char_wb", ngram_range=(2, 5))


def table_line(cells):
    return "| " + " | ".join(cells) + " |"


def table_head(cells):
    return table_line(cells) + "\n|" + "---|" * len(cells)
