"""The settings as a reference page and as an example file, made from the model.

`python -m event_processor.settings_docs` writes both; a test keeps them in step.
"""

from __future__ import annotations

from pathlib import Path

from event_processor.settings import Settings, secret_names, variable_names
from event_processor.settings_sources import FILE_SUFFIX
from event_processor.settings_stack import FILL_IN, FIXED, MORE, SECRETS, StackVariable, stack_variables

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/reference/settings.md"
EXAMPLE = ROOT / ".env.example"

SECTIONS = {
    "IB_HOST": "Gateway",
    "REDIS_URL": "Redis",
    "TRADING_MODE": "Trading",
    "AUTO_RESTART_TIME": "Restarts and the weekly login",
    "CONSUMER_NAME": "Several processors",
    "STATUS_HOST": "Status and logs",
    "NOTIFY_URLS": "Notifications",
}
"""The first setting of each section, and its title."""

_PAGE_HEAD = """\
# Settings

Settings are environment variables. An empty variable counts as not set. A name under `IB_` or `REDIS_` that
is not in this list, or one that looks like a misspelt setting, stops the processor with all other mistakes in
one message. Secrets are masked wherever settings are shown.

A secret can be put into a file instead: set the variable with `_FILE` at its end to the file's path (spaces
and line ends around the secret do not count). Setting both is a mistake, and so is a file that is empty or
cannot be read.
"""

_EXAMPLE_HEAD = """\
# cp .env.example .env, fill in the first part, then: make secrets, make up.
# A line that begins with # shows the default. docs/reference/stack.md and docs/reference/settings.md say more.
"""


def settings_page() -> str:
    """docs/reference/settings.md."""
    lines = [_PAGE_HEAD.rstrip()]
    for name in variable_names():
        if name in SECTIONS:
            lines += ["", f"## {SECTIONS[name]}", "", "| Name | Default | Meaning |", "|---|---|---|"]
        shown = f"`{name}`" + (f", `{name}{FILE_SUFFIX}`" if name in secret_names() else "")
        default = default_of(name)
        lines.append(f"| {shown} | {f'`{default}`' if default else ''} | {_meaning(name)} |")
    return "\n".join(lines) + "\n"


def env_example() -> str:
    """.env.example: the stack's variables first, then the processor's settings, each once."""
    lines = [_EXAMPLE_HEAD.rstrip(), "", "# ---- What you fill in"]
    for variable in FILL_IN:
        lines += ["", f"# {variable.meaning}.", f"{variable.name}={variable.value}"]
    lines += _example_part("Written by `make secrets`", SECRETS)
    lines += _example_part("More about the stack", MORE)
    shown = {variable.name for variable in stack_variables()}
    for name in variable_names():
        if name in SECTIONS and not (set(_section(name)) <= shown | FIXED):
            lines += ["", f"# ---- {SECTIONS[name]}"]
        if name not in shown | FIXED:
            lines.append(f"#{name}={default_of(name)}")
    lines += ["", "# ---- Only without the stack, which sets these itself"]
    lines += [f"#{name}={default_of(name)}" for name in variable_names() if name in FIXED]
    return "\n".join(lines) + "\n"


def _example_part(title: str, variables: tuple[StackVariable, ...]) -> list[str]:
    lines = ["", f"# ---- {title}"]
    for variable in variables:
        lines += [f"# {variable.meaning}", f"#{variable.name}={variable.value}"]
    return lines


def _section(first: str) -> list[str]:
    """The settings of the section that begins with this one."""
    names = list(variable_names())
    rest = names[names.index(first) :]
    others = [number for number, name in enumerate(rest) if number and name in SECTIONS]
    return rest[: others[0]] if others else rest


def default_of(name: str) -> str:
    """The default as one would write it into the variable; empty when there is none."""
    field = Settings.model_fields[name.lower()]
    if field.default_factory is not None:
        return ""
    default = field.default
    if name in secret_names():
        return "" if default is None else str(default.get_secret_value())
    if default is None:
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)


def _meaning(name: str) -> str:
    field = Settings.model_fields[name.lower()]
    return f"{field.description}" + ("; default: the host name" if field.default_factory is not None else "")


def main() -> None:
    """Write both files."""
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(settings_page(), encoding="utf-8")
    EXAMPLE.write_text(env_example(), encoding="utf-8")


if __name__ == "__main__":
    main()
