from __future__ import annotations

import re

from event_processor.settings import Settings, variable_names
from event_processor.settings_docs import EXAMPLE, PAGE, ROOT, SECTIONS, env_example, settings_page
from event_processor.settings_stack import FILL_IN, stack_variables


def test_the_settings_page_is_in_step_with_the_model() -> None:
    """`python -m event_processor.settings_docs` has been run since the last change."""
    assert PAGE.read_text(encoding="utf-8") == settings_page()


def test_the_example_file_is_in_step_with_the_model() -> None:
    """So has it for .env.example."""
    assert EXAMPLE.read_text(encoding="utf-8") == env_example()


def test_the_example_file_uncommented_gives_the_defaults() -> None:
    """Every setting is in it once, and with its own default or the stack's."""
    found = re.findall(r"^#?([A-Z_]+)=(.*)$", env_example(), re.MULTILINE)
    values = {name: value.strip('"') for name, value in found}
    assert len(values) == len(found)
    assert values.keys() == set(variable_names()) | {variable.name for variable in stack_variables()}
    ours = {name: values[name] for name in variable_names()}
    stack_gives = {"AUTO_RESTART_TIME": values["AUTO_RESTART_TIME"]}
    assert Settings.load(ours) == Settings.load(stack_gives)


def test_the_example_file_begins_with_what_people_fill_in() -> None:
    """Everything up to the second part is to be filled in, and none of it is a comment."""
    first = env_example().split("# ----")[1]
    assert re.findall(r"^#?[A-Z_]+(?==)", first, re.MULTILINE) == [variable.name for variable in FILL_IN]


def test_every_variable_of_the_stack_is_in_its_reference() -> None:
    """docs/reference/stack.md has a row for each."""
    page = (ROOT / "docs/reference/stack.md").read_text(encoding="utf-8")
    assert [variable.name for variable in stack_variables() if f"\n| `{variable.name}`" not in page] == []


def test_every_setting_has_a_meaning_and_a_section() -> None:
    """No row without words, and each section begins with a setting that exists."""
    assert all(field.description for field in Settings.model_fields.values())
    assert {name.lower() for name in SECTIONS} <= set(Settings.model_fields)
    assert next(iter(SECTIONS)).lower() == next(iter(Settings.model_fields))
