"""The program that scikit-learn lacks: trains from a file and predicts from file to file.

    run_sklearn.py train one|any TRAIN MODEL
    run_sklearn.py predict MODEL TEXTS OUTPUT
    run_sklearn.py start                            does nothing: what Python and the imports take

TRAIN holds label<TAB>text, with exactly one label a row or any number with commas between them.
"""
import itertools, sys
import joblib, numpy
from shared import tfidf_of_characters
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import LinearSVC

BATCH = 5000  # texts predicted at once, so that memory does not grow with the file


def train(labels_a_row, source, target):
    with open(source, encoding="utf-8", newline="\n") as file:
        rows = [line.rstrip("\n").split("\t", 1) for line in file]
    features = tfidf_of_characters()
    vectors = features.fit_transform([text for _, text in rows])
    classifier = LinearSVC(C=0.3, random_state=0)
    if labels_a_row == "one":
        names = None
        classifier.fit(vectors, [label for label, _ in rows])
    else:
        held = [set(labels.split(",")) - {""} for labels, _ in rows]
        names = sorted(set().union(*held))
        holds = numpy.array([[name in labels for name in names] for labels in held], dtype=int)
        classifier = OneVsRestClassifier(classifier).fit(vectors, holds)
    joblib.dump((features, classifier, names), target)


def predict(model, source, target):
    features, classifier, names = joblib.load(model)
    with open(source, encoding="utf-8", newline="\n") as texts, open(target, "w", encoding="utf-8") as output:
        while batch := [line.rstrip("\n") for line in itertools.islice(texts, BATCH)]:
            decided = classifier.predict(features.transform(batch))
            if names:
                decided = [",".join(names[place] for place in numpy.flatnonzero(row)) for row in decided]
            output.writelines(f"{labels}\n" for labels in decided)


if __name__ == "__main__":
    {"train": train, "predict": predict, "start": lambda: None}[sys.argv[1]](*sys.argv[2:])
