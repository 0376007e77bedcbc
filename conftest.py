"""What pytest leaves out where PyTorch is not installed: the files that import it."""

import importlib.util

collect_ignore_glob = (
    []
    if importlib.util.find_spec("torch")
    else ["src/rightbatch/learners/torch*.py", "tests/learners/torch_cases.py"]
)
