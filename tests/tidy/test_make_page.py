from __future__ import annotations

import os
import re

from tests.tidy.sources import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PAGE = (ROOT / "docs/reference/make.md").read_text(encoding="utf-8")
TARGETS = dict(re.findall(r"^([a-z-]+):.*?## (.*)$", MAKEFILE, re.MULTILINE))
SCRIPTS = sorted(file for file in (ROOT / "tools/stack").iterdir() if file.is_file())


def test_the_make_page_names_exactly_the_targets_there_are() -> None:
    """Each with the line that `make help` shows, and none that is gone."""
    rows = dict(re.findall(r"^\| `make ([a-z-]+)` \| (.*) \|$", PAGE, re.MULTILINE))
    assert {name: text.replace("\\|", "|") for name, text in rows.items()} == {
        name: text for name, text in TARGETS.items() if name != "help"
    }


def test_every_target_is_phony_and_listed_once() -> None:
    """A file of the same name must not stop a target from running."""
    declared = re.search(r"^\.PHONY: ((?:.*\\\n)*.*)$", MAKEFILE, re.MULTILINE)
    assert declared is not None
    assert sorted(declared[1].replace("\\\n", " ").split()) == sorted(TARGETS)


def test_stack_targets_need_no_python() -> None:
    """On a bare server there is none: no target before the development group depends on the set-up."""
    stack = MAKEFILE[: MAKEFILE.index("##@ Development")]
    assert re.findall(r"^[a-z-]+:.*\bsetup\b.*##", stack, re.MULTILINE) == []
    assert "$(PYTHON)" not in stack.split(".DEFAULT_GOAL")[1]


def test_every_command_of_the_stack_explains_itself() -> None:
    """It can be run, tells what it does in its head, and is short; what is only read by others cannot be run."""
    wrong = []
    for script in SCRIPTS:
        text = script.read_text(encoding="utf-8")
        runs = script.suffix != ".bash"
        fine = text.startswith("#!/usr/bin/env bash\n# ") and "help_asked" in text if runs else text.startswith("# ")
        if not fine or runs != os.access(script, os.X_OK) or len(text.splitlines()) > 300:
            wrong.append(script.name)
    assert (wrong, len(SCRIPTS) > 10) == ([], True)
