"""The scripts that come with orgsync conform."""

from orgsync.testing.checks import conformance

test_every_shipped_script_conforms = conformance(shipped=True)
