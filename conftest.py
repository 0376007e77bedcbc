"""What pytest leaves out: files that import what is not installed, or what takes long and has no examples."""

import importlib.util

collect_ignore_glob = [
    "src/rightbatch/measure/rivals_*.py",
    *(
        []
        if importlib.util.find_spec("torch")
        else ["src/rightbatch/learners/torch*.py", "tests/learners/torch_cases.py"]
    ),
]
