"""Every example at three seeds: does it reach the quality that it states, and how long does it take?

An example ends with an assertion on its quality; one whose library is missing says that it is skipped.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"
SEEDS = (0, 1, 2)


def main() -> None:
    """One line an example and seed; the exit status tells whether all have reached their quality."""
    failed = []
    for path in sorted(EXAMPLES.glob("*.py")):
        for seed in SEEDS:
            started = time.perf_counter()
            done = subprocess.run(
                [sys.executable, str(path), "--seed", str(seed)],
                env=os.environ | {"OMP_NUM_THREADS": "1"},
                capture_output=True,
                text=True,
                check=False,
            )
            seconds = time.perf_counter() - started
            lines = (done.stdout if done.returncode == 0 else done.stderr).splitlines()
            last = lines[-1] if lines else ""
            reached = "" if last.startswith("Skipped: ") else "reached: "
            verdict = "FAILED: " if done.returncode else reached
            print(f"{path.stem:<20} seed {seed}  {seconds:5.1f} s  {verdict}{last}")
            failed += [f"{path.stem} {seed}"] if done.returncode else []
    if failed:
        sys.exit(f"Not reached: {', '.join(failed)}")


if __name__ == "__main__":
    main()
