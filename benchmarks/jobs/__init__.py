"""The work that is measured: each module is run in a process of its own and tells what it did as one line of JSON."""
