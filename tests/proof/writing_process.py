"""A process that runs the command without waiting between tries, to be killed at any moment."""

import sys

from orgsync.cassettes import without_waiting
from orgsync_cli.main import main

if __name__ == "__main__":
    sys.argv = ["orgsync", *sys.argv[1:]]
    with without_waiting():
        main()
