#!/usr/bin/env python3
"""How Marsad does beside scikit-learn, fastText and Vowpal Wabbit, all trained on the bundled corpus.

    python3 benches/peers/accuracy.py SENTENCES.jsonl [--marsad target/release/marsad] [--only NAME,...]

SENTENCES.jsonl holds annotated sentences that are not in the corpus: "text", "labels", "doc", and
perhaps "unsure" (labels that are not counted for a row). Run after `cargo build --release`; README.md says
what to install.

Every peer is trained one-vs-rest for each label without children, and gets what Marsad gets: a
threshold a label with the best F1 on sentences held out, in five folds by document. Figures are over
the labels without a parent. The intervals are of 2,000 bootstrap samples over documents; the paired test
swaps the predictions of two programs document by document 10,000 times (approximate randomisation).
"""
import argparse, json, os, subprocess, sys, tempfile, time
import numpy as np
from shared import REPOSITORY, corpus, read, table_head, table_line, tfidf, tfidf_of_characters, vw_features, words

FOLDS = 5


# Each peer: fit(texts, holds) gives a function from texts to scores, a column a label.


def sklearn_peer(with_words):
    def fit(texts, holds):
        from sklearn.pipeline import FeatureUnion
        from sklearn.svm import LinearSVC

        parts = [("characters", tfidf_of_characters())]
        if with_words:
            parts.append(("words", tfidf(ngram_range=(1, 2), token_pattern=r"\w+")))
        features = FeatureUnion(parts)
        rows = features.fit_transform(texts)
        models = [LinearSVC(C=0.3, class_weight="balanced", random_state=0).fit(rows, column) for column in holds.T]

        def score(texts):
            rows = features.transform(texts)
            return np.stack([model.decision_function(rows) for model in models], axis=1)

        return score

    return fit


def fasttext_peer(texts, holds):
    import fasttext

    fasttext.FastText.eprint = lambda *arguments, **named: None
    with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False, encoding="utf-8") as file:
        for text, row in zip(texts, holds):
            marks = [f"__label__{label}" for label in np.flatnonzero(row)] or ["__label__none"]
            file.write(" ".join(marks + words(text)) + "\n")
    model = fasttext.train_supervised(
        file.name, loss="ova", dim=100, epoch=25, lr=0.5, wordNgrams=2, minn=2, maxn=5, minCount=1, thread=1, seed=1, verbose=0
    )
    os.unlink(file.name)

    def score(texts):
        scores = np.zeros((len(texts), holds.shape[1]))
        for place, text in enumerate(texts):
            # The binding's own predict does not work with numpy 2.
            for probability, label in model.f.predict(" ".join(words(text)) + "\n", -1, 0.0, "strict"):
                if label != "__label__none":
                    scores[place, int(label.removeprefix("__label__"))] = probability
        return scores

    return score


def vw_peer(texts, holds):
    from vowpalwabbit import pyvw

    lines = [vw_features(text, words(text)) for text in texts]
    models = []
    for column in holds.T:
        model = pyvw.Workspace(
            "--loss_function logistic --ngram w2 -b 22 --holdout_off --random_seed 1 --quiet", enable_logging=False
        )
        order = np.random.default_rng(1)
        for _ in range(8):
            for place in order.permutation(len(lines)):
                model.learn(f"{1 if column[place] else -1} {lines[place]}")
        models.append(model)

    def score(texts):
        lines = [vw_features(text, words(text)) for text in texts]
        return np.array([[model.predict(text) for model in models] for text in lines])

    return score


PEERS = {
    "scikit-learn, char_wb 2-5": sklearn_peer(False),
    "scikit-learn, char_wb 2-5 and words": sklearn_peer(True),
    "fastText, subwords, one-vs-all": fasttext_peer,
    "Vowpal Wabbit, n-grams of characters and words": vw_peer,
}


def folds_of(rows):
    documents = sorted({row["doc"] for row in rows})
    np.random.default_rng(1).shuffle(documents)
    fold = {document: place % FOLDS for place, document in enumerate(documents)}
    return np.array([fold[row["doc"]] for row in rows])


def best_threshold(scores, holds):
    order = np.argsort(-scores, kind="stable")
    found = np.cumsum(holds[order])
    f1 = 2 * found / (np.arange(1, len(order) + 1) + holds.sum())
    place = int(np.argmax(f1))
    below = scores[order[min(place + 1, len(order) - 1)]]
    return (scores[order[place]] + below) / 2


def train_and_predict(fit, annotated, labels, texts):
    train_texts = [row["text"] for row in annotated]
    holds = np.array([[label in row["labels"] for label in labels] for row in annotated])
    folds = folds_of(annotated)
    held_out = np.zeros(holds.shape)
    for fold in range(FOLDS):
        inside, outside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        score = fit([train_texts[place] for place in inside], holds[inside])
        held_out[outside] = score([train_texts[place] for place in outside])
    thresholds = [best_threshold(held_out[:, label], holds[:, label]) for label in range(len(labels))]
    decided = fit(train_texts, holds)(texts) >= np.array(thresholds)
    return [{labels[place] for place in np.flatnonzero(row)} for row in decided]


def marsad_predict(program, path):
    output = subprocess.run([program, "predict", "--from", "jsonl", path], check=True, capture_output=True).stdout
    return [set(json.loads(line)["labels"]) for line in output.decode().splitlines()]


def parents(labels):
    return {label.split(".")[0] for label in labels}


def counts(gold, predicted, top):
    """For each row and label: right, only predicted, only annotated."""
    table = np.zeros((len(gold), len(top), 3))
    for place, (row, found) in enumerate(zip(gold, predicted)):
        held, found, open_ = parents(row["labels"]), parents(found), parents(row.get("unsure", []))
        for column, label in enumerate(top):
            if label in held:
                table[place, column, 0 if label in found else 2] = 1
            elif label in found and label not in open_:
                table[place, column, 1] = 1
    return table


def macro_f1(sums):
    """Of sums of counts [..., label, 3]."""
    right, spurious, missed = np.moveaxis(sums, -1, 0)
    return (2 * right / np.maximum(2 * right + spurious + missed, 1)).mean(axis=-1)


def by_document(table, gold):
    documents = sorted({str(row["doc"]) for row in gold})
    place = {document: number for number, document in enumerate(documents)}
    sums = np.zeros((len(documents), *table.shape[1:]))
    for row, figures in zip(gold, table):
        sums[place[str(row["doc"])]] += figures
    return sums


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sentences")
    parser.add_argument("--marsad", default=REPOSITORY / "target/release/marsad")
    parser.add_argument("--only", help="names of peers that hold one of these words, comma-separated")
    options = parser.parse_args()
    gold = list(read([options.sentences]))
    for number, row in enumerate(gold):
        row.setdefault("doc", number)
    annotated = list(corpus())
    labels = sorted({label for row in annotated for label in row["labels"]})
    top = sorted(parents(labels))
    texts = [row["text"] for row in gold]
    wanted = options.only.lower().split(",") if options.only else [""]
    started = time.perf_counter()
    tables = {"Marsad": counts(gold, marsad_predict(options.marsad, options.sentences), top)}
    for name, fit in PEERS.items():
        if any(word in name.lower() for word in wanted):
            tables[name] = counts(gold, train_and_predict(fit, annotated, labels, texts), top)
            print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
    sums = {name: by_document(table, gold) for name, table in tables.items()}
    random = np.random.default_rng(1)
    documents = len(next(iter(sums.values())))
    draws = random.integers(0, documents, (2000, documents))
    swaps = random.random((10000, documents)) < 0.5
    samples = {name: macro_f1(np.array([table[draw].sum(axis=0) for draw in draws])) for name, table in sums.items()}
    ours, our_samples = sums["Marsad"], samples["Marsad"]
    print(f"{len(gold)} sentences in {documents} documents; trained on {len(annotated)}\n")
    print(table_head(["program", "macro-F1", "95%", "Marsad ahead by", "95%", "p"]))
    for name, table in sums.items():
        value = macro_f1(table.sum(axis=0))
        low, high = np.percentile(samples[name], [2.5, 97.5])
        cells = [name, f"{value:.3f}", f"{low:.3f} to {high:.3f}"]
        if name == "Marsad":
            cells += ["", "", ""]
        else:
            ahead = macro_f1(ours.sum(axis=0)) - value
            low, high = np.percentile(our_samples - samples[name], [2.5, 97.5])
            p = randomisation(ours, table, swaps, abs(ahead))
            cells += [f"{ahead:+.3f}", f"{low:+.3f} to {high:+.3f}", f"{p:.4f}"]
        print(table_line(cells))
    print("\n" + table_head(["program"] + [f"{label} P/R" for label in top]))
    for name, table in sums.items():
        right, spurious, missed = np.moveaxis(table.sum(axis=0), -1, 0)
        cells = [f"{r / max(r + s, 1):.2f}/{r / max(r + m, 1):.2f}" for r, s, m in zip(right, spurious, missed)]
        print(table_line([name] + cells))


def randomisation(ours, theirs, swaps, observed):
    """Share of the swaps whose difference is at least as large as the observed one."""
    difference = ours - theirs
    at_least = 0
    for swap in swaps:
        moved = difference[swap].sum(axis=0)
        gap = macro_f1(ours.sum(axis=0) - moved) - macro_f1(theirs.sum(axis=0) + moved)
        at_least += abs(gap) >= observed - 1e-12
    return (at_least + 1) / (len(swaps) + 1)


if __name__ == "__main__":
    main()
