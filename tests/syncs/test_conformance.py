"""The scripts that come with orgsync conform."""

from orgsync.testing.conforming import conformance

test_every_shipped_script_conforms = conformance(shipped=True)
