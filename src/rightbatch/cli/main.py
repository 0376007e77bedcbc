"""The command line: arguments only. What a command does is in its own module, imported when it runs."""

import importlib
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from rightbatch.cli.usage import number, refusal, whole
from rightbatch.errors import RightbatchError

DONE, FAILED, MISUSE, NOT_REACHED, INTERRUPTED = 0, 1, 2, 3, 130

F = TypeVar("F", bound=Callable[..., Any])

_DATA_HELP = (
    "DATA: a CSV, TSV, Parquet, .npy or .npz file, or a built-in name: digits (the default), line, houses."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="rightbatch", message="%(prog)s %(version)s")
def rightbatch() -> None:
    """Which batch size should I train with? Measured, with its uncertainty.

    \b
    rightbatch study                     the built-in digits, in seconds
    rightbatch study data.csv            your data; the last column is the label
    rightbatch train data.csv            train with a batch size of your own

    Exit codes: 0 done; 2 misuse or bad input; 3 the target was not reached, or training diverged or did
    not fit in memory; 130 interrupted.
    """  # noqa: D301 (a raw string would keep click's mark, a backspace, from being one)


def _options(*options: Callable[[F], F]) -> Callable[[F], F]:
    def add(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return add


_data = _options(
    click.option("--label", metavar="COLUMN", help="The column to predict.  [default: the last]"),
    click.option(
        "--task",
        metavar="TASK",
        help="regression or classification.  [default: recognised from the label]",
    ),
)
_model = _options(
    click.option(
        "--model",
        default="mlp",
        show_default=True,
        metavar="NAME",
        help="linear, logistic or mlp; or FILE.py:name of a PyTorch module, or of what makes one.",
    ),
    click.option("--hidden", metavar="UNITS", help="Hidden units of the mlp, such as 64,32.  [default: 64]"),
    number("--l2", "Penalty on the weights of a built-in model.  [default: 0]", such_as=0.001),
    click.option(
        "--optimizer",
        default="sgd",
        show_default=True,
        metavar="NAME",
        help="sgd, momentum, nesterov or adam; for a PyTorch module also one of torch.optim, such as AdamW.",
    ),
)
_output = _options(
    click.option(
        "--json", "as_json", is_flag=True, help="One JSON document on standard output, nothing else."
    ),
    click.option("--quiet", "-q", is_flag=True, help="No progress."),
)
_seed = whole("--seed", "Of the split, the starts, the orders.", default=0)
_threads = whole("--threads", "Threads of the linear algebra library.", default=1)
_batch_sizes = click.option(
    "--batch-sizes",
    default="auto",
    show_default=True,
    metavar="1,2,4|auto",
    help="auto: powers of two, and all rows.",
)
_choice = _options(
    click.option("--memory-limit", metavar="SIZE", help="Memory that training may take, such as 4GB."),
    click.option(
        "--prefer",
        default="fastest",
        show_default=True,
        metavar="WHAT",
        help="fastest; or within 5 % of it the cheapest (fewest examples) or the smallest batch size.",
    ),
)


@rightbatch.command(epilog=_DATA_HELP)
@click.argument("data", default="digits")
@_data
@_model
@click.option(
    "--target",
    metavar="METRIC=VALUE",
    help="Such as val_loss=0.2 or val_accuracy=0.95.  [default: set by a pilot]",
)
@_batch_sizes
@whole("--seeds", "Runs of a tuned batch size, at least.", default=5)
@click.option("--budget", default="60s", show_default=True, metavar="TIME", help="Such as 60s, 5m, 1h.")
@number(
    "--tolerance",
    "Enough when the answer costs at most this share more than the fastest, with 95 % probability.",
    such_as=0.05,
    default=0.05,
    metavar="SHARE",
)
@click.option("--quick", is_flag=True, help="Answer in seconds, with an estimate from one tuned run.")
@click.option(
    "--complete/--no-complete",
    default=True,
    show_default=True,
    help="Measure also the batch sizes that the answer does not need, for the table and the charts.",
)
@whole(
    "--jobs",
    "Sweeps of learning rates made at once, in processes.  [default: 1; with ray the cluster's CPUs]",
    such_as=2,
)
@click.option(
    "--executor",
    default="processes",
    show_default=True,
    metavar="NAME",
    help="Where they are made: in processes here, or on the ray cluster that runs.",
)
@_choice
@click.option(
    "--store", metavar="FILE.db", help="Where the study is kept.  [default: study-NAME-SETTINGS.db here]"
)
@click.option("--report", metavar="FILE.html", help="Where the report goes.  [default: beside the store]")
@_seed
@_threads
@_output
def study(**options: Any) -> int:
    """Find the batch size and learning rate to train with, by measuring.

    An interrupted study goes on when the same command is given again.
    """
    return _run("study", options)


@rightbatch.command(epilog=_DATA_HELP)
@click.argument("data", default="digits")
@_data
@_model
@whole(
    "--batch-size",
    "Rows of one update; auto: grows with the measured noise scale.  [default: 64, or all if fewer]",
    such_as=32,
    word="auto",
)
@whole("--accumulate", "Micro-batches that each batch is cut into, to save memory.", such_as=4, default=1)
@whole("--epochs", "Passes over the data.  [default: 10; more if the data are small]", such_as=100)
@number("--lr", "Learning rate.  [default: by the optimizer]", such_as=0.1)
@click.option(
    "--schedule",
    metavar="NAME",
    help="constant, step, exponential, cosine, inverse-time or warm-up; for a PyTorch module also one of "
    "torch.optim.lr_scheduler.  [default: cosine; constant with --batch-size auto]",
)
@number("--clip-norm", "Most that the gradient's norm may be.", such_as=1.0)
@number("--weight-decay", "As of PyTorch's optimizers.  [default: 0]", such_as=0.01)
@click.option(
    "--precision",
    default="float32",
    show_default=True,
    metavar="NAME",
    help="Of a PyTorch module: float32, or mixed with bfloat16 or float16.",
)
@click.option("--target", metavar="METRIC=VALUE", help="Stop when it is reached, such as val_loss=0.2.")
@whole("--patience", "Stop after N epochs without a better val_loss.", such_as=5)
@click.option("--save", metavar="FILE.npz", help="Where the trained parameters go.")
@click.option("--checkpoint", metavar="FOLDER", help="Where checkpoints go: all that is needed to go on.")
@click.option("--resume", is_flag=True, help="Go on from the newest checkpoint in the folder.")
@click.option(
    "--checkpoint-every",
    default="60s",
    show_default=True,
    metavar="TIME|N",
    help="From one checkpoint to the next: a time such as 60s or 5m, or a number of steps.",
)
@click.option("--log", metavar="FILE.jsonl", help="Where the history goes while it grows, as JSON lines.")
@_seed
@_threads
@_output
def train(**options: Any) -> int:
    """Train one model by mini-batches."""
    return _run("train", options)


@rightbatch.command(epilog=_DATA_HELP)
@click.argument("data", default="digits")
@_data
@_model
@_batch_sizes
@_threads
@_output
def probe(**options: Any) -> int:
    """Seconds per step and memory against batch size, without training to a target."""
    return _run("probe", options)


@rightbatch.command(epilog=_DATA_HELP)
@click.argument("data", default="digits")
@_data
@whole("--batch-size", "Rows of one update.  [default: 64, or all if fewer]", such_as=32)
@click.option(
    "--order",
    default="shuffled",
    show_default=True,
    metavar="NAME",
    help="shuffled, sequential, balanced or stratified (by class).",
)
@click.option(
    "--last",
    default="keep",
    show_default=True,
    metavar="NAME",
    help="What becomes of the rows left over: keep, drop, pad or spread.",
)
@_seed
@_output
def inspect(**options: Any) -> int:
    """What is in the data, and what its batches look like."""
    return _run("inspect", options)


@rightbatch.command()
@whole("--rows", "Rows of the data.", default=100_000)
@whole("--features", "Columns of a row.", default=32)
@click.option("--dtype", default="float32", show_default=True, metavar="NAME", help="Of the columns.")
@click.option("--batch-sizes", default="32,256", show_default=True, metavar="32,256", help="Rows of a batch.")
@whole("--rounds", "How often each is timed.", default=5)
@click.option("--only", metavar="NAME,...", help='Time these alone, such as "torch DataLoader,NumPy loop".')
@click.option("--markdown", "markdown_file", metavar="FILE.md", help="Where to write it as Markdown too.")
@_threads
@_output
def bench(**options: Any) -> int:
    """Time the loader against the others that are installed, on this machine."""
    return _run("bench", options)


@rightbatch.command(epilog=_DATA_HELP.replace("digits (the default), line", "digits, line (the default)"))
@click.argument("data", default="line")
@_data
@click.option(
    "--model",
    metavar="NAME",
    help="As for study.  [default: linear for regression, mlp for classification]",
)
@click.option("--hidden", metavar="UNITS", help="Hidden units of the mlp, such as 64,32.  [default: 64]")
@click.option(
    "--batch-sizes",
    metavar="1,10,100|auto",
    help="auto: powers of two.  [default: 1, a small and a larger one, and all rows]",
)
@click.option(
    "--optimizers", metavar="NAMES", help="Compare these instead, at one batch size: sgd,momentum,adam."
)
@whole("--epochs", "Passes over the data.  [default: 100; fewer of many rows]", such_as=100)
@number("--lr", "Learning rate of all.  [default: the best of each method]", such_as=0.1)
@click.option("--report", metavar="FILE.html", help="Where the page goes.  [default: compare-NAME.html here]")
@_seed
@_threads
@_output
def compare(**options: Any) -> int:
    """Stochastic, mini-batch and full-batch gradient descent side by side, with their paths."""
    return _run("compare", options)


@rightbatch.command()
@click.argument("store", metavar="FILE.db")
@click.option("--report", metavar="FILE.html", help="Where the report goes.  [default: beside the store]")
@_choice
@_output
def report(**options: Any) -> int:
    """Draw the report of a stored study again, finished or not."""
    return _run("report", options)


def _run(command: str, options: dict[str, Any]) -> int:
    """Import the command's module and call it: `--help` needs none of what a command needs."""
    code: int = importlib.import_module(f"rightbatch.cli.{command}").run(**options)
    return code


def main() -> None:
    """The `rightbatch` command: run it, and turn every failure into one sentence and an exit code."""
    signal.signal(signal.SIGINT, _interrupt)
    sys.exit(_code())


def _code() -> int:
    try:
        code = rightbatch.main(standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        return _refused(error)
    except RightbatchError as error:
        return _say(error.sentence(command_line=True), MISUSE)
    except (KeyboardInterrupt, click.Abort):
        return _say("Interrupted.", INTERRUPTED)
    except (BrokenPipeError, SystemExit):  # click and rich make the second of the first
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        if os.environ.get("RIGHTBATCH_DEBUG"):
            raise
        name = type(error).__name__
        return _say(f"{name}: {error}. Set RIGHTBATCH_DEBUG=1 to see where it comes from.", FAILED)
    return code if isinstance(code, int) else DONE


def _refused(error: click.ClickException) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return MISUSE
    return _say(refusal(error), MISUSE)


def _say(sentence: str, code: int) -> int:
    click.echo(f"rightbatch: {sentence}", err=True)
    return code


def _interrupt(number: int, frame: Any) -> None:
    """The first Ctrl-C ends the work in hand; a second one, while that ends, leaves at once."""
    del number, frame
    signal.signal(signal.SIGINT, _leave)
    raise KeyboardInterrupt


def _leave(number: int, frame: Any) -> None:
    del number, frame
    show_cursor = "\x1b[?25h" if sys.stderr.isatty() else ""
    os.write(2, f"{show_cursor}rightbatch: Interrupted.\n".encode())
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
