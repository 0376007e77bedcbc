"""The end of a study as it stands on a terminal."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from report.example_document import example, nothing_reached, with_missed
from rightbatch.report import tables, terminal
from rightbatch.report.document import Standing

AT_80 = """\
             batch learning time per time per         steps to time to    final
  method      size     rate     step    epoch  memory   target  target val_loss
───────────────────────────────────────────────────────────────────────────────
  stochastic     1     0.02  21.5 µs  27.1 ms  1.2 MB      631 13.6 ms     0.29
  mini-batch     2    0.035  22.1 µs  13.9 ms  1.2 MB      311 6.87 ms    0.291
  mini-batch     4     0.06  23.2 µs  7.31 ms  1.2 MB      173 4.01 ms    0.292
  mini-batch     8     0.12  25.4 µs  4.01 ms 1.21 MB     94.8 2.41 ms    0.293
+ mini-batch    16      0.2  29.8 µs  2.35 ms 1.21 MB     54.9 1.64 ms    0.294
* mini-batch    32     0.35  38.6 µs  1.54 ms 1.23 MB     40.8 1.57 ms    0.295
  mini-batch    64      0.5  56.2 µs  1.12 ms 1.26 MB     32.4 1.82 ms    0.296
  mini-batch   128      0.5  91.4 µs   914 µs 1.32 MB     26.2  2.4 ms    0.297
  mini-batch   256      0.7   162 µs   809 µs 1.43 MB     25.4 4.11 ms    0.298
  mini-batch   512      0.7   303 µs   908 µs 1.66 MB     22.6 6.83 ms    0.299
  mini-batch  1024      0.7   584 µs  1.17 ms 2.12 MB    never   never     0.61
  full batch  1257      0.7   712 µs   712 µs 2.33 MB    never   never     0.61
* recommended   + within 5 % of the least time to target
Batch sizes 1024 and 1257: never reached: out of steps at every learning rate

Train with batch size 32 and learning rate 0.35.
It reaches val_loss ≤ 0.3 in 1.57 ms. With 95 % probability the fastest batch
size lies between 16 and 64; 16 and 32 are within 5 % of the least time.

Why
- Batch size 32 reaches the target in 1.57 ms, the least of the 12 batch sizes
  tried.
- It is close to the critical batch size, 27: a larger batch saves few steps.
- Batch size 16 takes 4.4 % longer and half the examples per step.

What would change it
- Batch size 64 would win if its step took under 1.25 times that of 32 (now 1.46
  times).
- A harder target moves it up: the critical batch size grows as the loss falls.

Report: /home/ada/digits [1]/report.html
"""


def shown(
    document: dict[str, object], width: int, report: Path | None = None, encoding: str = "utf-8"
) -> str:
    """What is printed on a console of the width, blanks at the end of lines left out."""
    buffer = io.BytesIO()
    file = io.TextIOWrapper(buffer, encoding=encoding, write_through=True)
    terminal.show(document, Console(file=file, width=width), report)
    return "\n".join(line.rstrip() for line in buffer.getvalue().decode(encoding).split("\n"))


def test_at_80_columns() -> None:
    """The whole output, as it stands in 80 columns; brackets in a path are no markup."""
    assert shown(with_missed(), 80, Path("/home/ada/digits [1]/report.html")) == AT_80


@pytest.mark.parametrize("width", [30, 40, 60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """Narrow terminals lose columns, never the end of a line."""
    assert max(len(line) for line in shown(example(), width).split("\n")) <= width


def test_narrow_terminals_keep_what_matters() -> None:
    """At 40 columns batch size, learning rate, steps and time to target remain."""
    document = example()
    columns, rows = tables.result_columns(document), tables.result_rows(document)
    assert [columns[place].under for place in terminal.fitting(columns, rows, 40)] == [
        "size",
        "rate",
        "target",
        "target",
    ]
    assert len(terminal.fitting(columns, rows, 80)) == 9


def test_columns_leave_by_rank() -> None:
    """The column of the highest rank goes first; rank 0 stays even where nothing fits."""
    columns = [tables.Column("", "a" * 5, 0), tables.Column("", "b" * 5, 2), tables.Column("", "c" * 5, 1)]
    rows = [tables.ResultRow(("1", "2", "3"), Standing.OTHER, "")]
    assert terminal.fitting(columns, rows, 19) == [0, 1, 2]
    assert terminal.fitting(columns, rows, 18) == [0, 2]
    assert terminal.fitting(columns, rows, 3) == [0]


def test_without_a_recommendation() -> None:
    """Every row says never, no row is marked, and the last words say what to change."""
    said = shown(nothing_reached(), 80)
    assert said.count("   never") == 24
    assert "recommended" not in said
    assert said.endswith(
        "No batch size reached val_loss ≤ 0.3.\n"
        "So there is nothing to recommend yet. Choose a target that is easier to reach,\n"
        "or give the study a larger budget. Why it stopped: the budget of 60 s was spent;\n"
        "write a larger budget such as 120s.\n"
    )


@pytest.mark.parametrize("document", [example(), nothing_reached()])
def test_what_speaks_against_the_target(document: dict[str, object]) -> None:
    """It stands between the answer and its reasons, and nothing where there is nothing."""
    assert "What speaks against the target" not in shown(document, 80)
    document["doubts"] = ["The target is worse than guessing."]
    told = shown(document, 80).partition("\n\nWhat speaks against the target\n- The target is worse than")
    assert told[1]
    assert "Why\n" not in told[0]


def test_a_terminal_without_unicode() -> None:
    """An old console gets plain letters: us for µs, <= for the sign."""
    said = shown(example(), 80, encoding="ascii")
    assert "21.5 us" in said
    assert "val_loss <= 0.3" in said


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR a terminal gets no colours; without it the recommended row is green."""
    green = "\x1b[1;32m"
    for value, found in (("1", False), ("", True)):
        monkeypatch.setenv("NO_COLOR", value)
        file = io.StringIO()
        terminal.show(example(), Console(file=file, width=80, force_terminal=True, color_system="standard"))
        assert (green in file.getvalue()) is found
