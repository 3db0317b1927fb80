"""The work that is measured: each module is run in a process of its own and tells what it did as one line of JSON.

Such a process is prepared as the command prepares its own, before anything else is imported.
"""

from orgsync_cli.entry_point import collect_seldom
from orgsync_cli.lean_imports import import_without_extras

collect_seldom()
import_without_extras()
