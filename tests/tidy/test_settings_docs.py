from __future__ import annotations

from event_processor.settings import Settings
from event_processor.settings_docs import EXAMPLE, PAGE, SECTIONS, env_example, settings_page


def test_the_settings_page_is_in_step_with_the_model() -> None:
    """`python -m event_processor.settings_docs` has been run since the last change."""
    assert PAGE.read_text(encoding="utf-8") == settings_page()


def test_the_example_file_is_in_step_with_the_model() -> None:
    """So has it for .env.example."""
    assert EXAMPLE.read_text(encoding="utf-8") == env_example()


def test_the_example_file_uncommented_gives_the_defaults() -> None:
    """Every line of it is a setting with its own default."""
    lines = [line[1:] for line in env_example().splitlines() if line.startswith("#") and "=" in line]
    environ = dict(line.split("=", 1) for line in lines)
    assert len(environ) == len(Settings.model_fields)
    assert Settings.load(environ) == Settings.load({})


def test_every_setting_has_a_meaning_and_a_section() -> None:
    """No row without words, and each section begins with a setting that exists."""
    assert all(field.description for field in Settings.model_fields.values())
    assert {name.lower() for name in SECTIONS} <= set(Settings.model_fields)
    assert next(iter(SECTIONS)).lower() == next(iter(Settings.model_fields))
