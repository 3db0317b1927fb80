"""How statements take their parameters."""

import re
from pathlib import Path

import orgsync


def test_no_statement_numbers_its_parameters() -> None:
    package = Path(orgsync.__file__).parent
    numbered = re.compile(r"\?[0-9{]")  # an f-string's number too
    places = [
        f"{file.relative_to(package)}:{number}"
        for file in sorted(package.rglob("*.py"))
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if numbered.search(line) and re.search(r"SELECT|UPDATE|INSERT|DELETE|VALUES|WHERE|numbers|SET ", line)
    ]
    assert not places, "Python 3.12 warns of them, and writes a row eight times as slowly"
