"""How fast orgsync is, beside others that do the same work in the same run: `python -m benchmarks`."""
