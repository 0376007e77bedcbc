"""What pytest leaves out: files that import what is not installed, or what takes long and has no examples."""

import os
import signal
from importlib.util import find_spec

os.environ.setdefault("KERAS_BACKEND", "torch")  # its default is TensorFlow, which the tests do not need

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a script: tests press Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)

_OF_TORCH = [
    "src/rightbatch/learners/torch*.py",
    "tests/learners/torch_cases.py",
    "tests/train/processes_cases.py",
]

collect_ignore_glob = [
    "src/rightbatch/measure/rivals_*.py",
    *(f"src/rightbatch/data/deliver_{name}.py" for name in ("torch", "jax", "keras") if not find_spec(name)),
    *(f"src/rightbatch/train/{name}.py" for name in ("tensorboard", "mlflow") if not find_spec(name)),
    *([] if find_spec("ray") else ["src/rightbatch/study/ray.py"]),
    *([] if find_spec("torch") else _OF_TORCH),
]
