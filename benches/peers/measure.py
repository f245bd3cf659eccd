"""Runs a program as a child process and tells what it took."""
import os, signal, statistics, subprocess, sys
from dataclasses import dataclass
from pathlib import Path

LAUNCHER = [sys.executable, "-I", "-S", str(Path(__file__).parent / "launch.py")]
# The libraries of numpy start a thread a core otherwise.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}


class Failed(Exception):
    """A program did not do what it was to do."""


@dataclass
class Command:
    arguments: list
    output: str | None = None  # file that takes what the program prints


@dataclass
class Use:
    cpu: float
    wall: float
    peak_mb: float


def run(command, folder, limit):
    """Time and memory of the process and of all that it waited for; after `limit` seconds it is ended."""
    arguments = [str(argument) for argument in command.arguments]
    errors = os.path.join(folder, "errors.txt")
    launcher = subprocess.Popen(
        [*LAUNCHER, str(command.output or os.devnull), errors, *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env={**os.environ, **ONE_THREAD}, start_new_session=True,
    )
    try:
        told = launcher.communicate(timeout=limit)[0].split()
    except BaseException as stopped:
        os.killpg(launcher.pid, signal.SIGKILL)
        launcher.wait()
        if isinstance(stopped, subprocess.TimeoutExpired):
            raise Failed(f"{' '.join(arguments)}: not done after {limit} s") from None
        raise
    if not told:
        raise Failed(f"{arguments[0]} could not be started")
    status, (wall, user, system, peak) = int(told[0]), map(float, told[1:])
    if status != 0:
        with open(errors, encoding="utf-8", errors="replace") as lines:
            last = lines.read()[-300:].strip()
        raise Failed(f"{' '.join(arguments)}: status {status} after {wall:.0f} s: {last}")
    return Use(user + system, wall, peak / 1024)


def floor(folder):
    """Peak MB below which nothing can be told: that of a program that does nothing."""
    return run(Command(["true"]), folder, 60).peak_mb


def spread(values, form):
    """Median, then least and most: "12.1 (11.8–13.0)"; one value stands alone."""
    middle = form(statistics.median(values))
    return f"{middle} ({form(min(values))}–{form(max(values))})" if len(values) > 1 else middle
