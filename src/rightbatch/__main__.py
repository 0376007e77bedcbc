"""``python -m rightbatch``: the command line."""

from rightbatch.cli.main import main

main()
