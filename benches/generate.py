#!/usr/bin/env python3
"""Annotated rows of any number, for training from corpora larger than memory.

    python3 benches/generate.py 5000000 > rows.jsonl
    marsad train rows.jsonl --stream -o rows.safetensors

Each row joins the beginning of one sentence of the bundled corpus and the end of another, has the labels of
both, and a few words that no other row need have: syllables put together at random, so that the vocabulary
goes on growing. The texts are for speed and memory; a model trained on them is good for nothing. The same
number and seed give the same rows.
"""
import argparse, glob, json, os, random, sys

SYLLABLES = [a + b for a in "بتثجحخدذرزسشصضطظعغفقكلمنهوي" for b in ["ا", "و", "ي", "", "ار", "ين"]]


def generated(count, seed=1):
    """So many rows, one after the other."""
    folder = os.path.join(os.path.dirname(__file__), "..", "data", "corpus")
    sentences = []
    for path in sorted(glob.glob(os.path.join(folder, "*.jsonl"))):
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                sentences.append((row["text"].split(), row["labels"]))
    random.seed(seed)
    rare = lambda: "".join(random.choice(SYLLABLES) for _ in range(random.randint(2, 4)))
    for number in range(count):
        (first, first_labels), (second, second_labels) = random.choice(sentences), random.choice(sentences)
        words = first[: random.randint(6, 18)] + [rare()] + second[-random.randint(6, 18) :]
        if random.random() < 0.5:
            words.insert(random.randrange(len(words)), rare())
        labels = sorted(set(first_labels) | set(second_labels))
        yield {"id": f"r{number}", "doc": f"d{number // 8}", "text": " ".join(words), "labels": labels}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", type=int)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    for row in generated(arguments.rows, arguments.seed):
        sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
