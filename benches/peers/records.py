"""What was measured: each run once, kept for the table and written to the raw file."""
import json, sys
from collections import Counter
from itertools import zip_longest

from measure import Failed, run


class Records:
    def __init__(self, folder, limit, raw):
        self.folder, self.limit, self.raw, self.kept = folder, limit, raw, []

    def add(self, **record):
        self.kept.append(record)
        self.raw.write(json.dumps(record, ensure_ascii=False) + "\n")
        self.raw.flush()

    def take(self, command, stage, program, **about):
        """Runs the command and adds its time and memory; False, and a line for the reader, if it fails."""
        try:
            use = run(command, self.folder, self.limit)
        except Failed as failure:
            print(f"{program.name}, {stage}: {failure}", file=sys.stderr)
            self.add(stage=stage, program=program.name, failed=str(failure), **about)
            return False
        figures = {"cpu": use.cpu, "wall": use.wall, "peak_mb": use.peak_mb}
        self.add(stage=stage, program=program.name, **figures, **about)
        return True

    def of(self, stage, program, **about):
        """The runs that ended well; None if one did not."""
        found = [
            record
            for record in self.kept
            if record["stage"] == stage
            and record["program"] == program.name
            and all(record.get(key) == value for key, value in about.items())
        ]
        return None if any("failed" in record for record in found) else found


def macro_f1(gold, predicted, label):
    """Mean F1 of the labels in either file; the second is read by `label`."""
    right, spurious, missed = Counter(), Counter(), Counter()
    with open(gold, encoding="utf-8") as held, open(predicted, encoding="utf-8") as lines:
        for truth, line in zip_longest(held, lines):
            if truth is None or line is None:
                raise Failed(f"{predicted} has not as many lines as {gold}")
            truth, found = truth.strip(), label(line)
            if truth == found:
                right[truth] += 1
            else:
                spurious[found] += 1
                missed[truth] += 1
    labels = set(right) | set(spurious) | set(missed)
    return sum(2 * right[name] / (2 * right[name] + spurious[name] + missed[name]) for name in labels) / len(labels)
