"""The restart token: what lets the gateway log in again without a second factor, until Sunday."""

from __future__ import annotations

from pathlib import Path

from gateway_simulator.clock import Clock

from .calendar import next_token_death

FOLDER = "practice"
NAME = "autorestart"
PAUSE_FLAG = "PAUSE"


class Token:
    """The `autorestart` file on the settings path; it holds when it was written."""

    def __init__(self, settings: Path, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self.file = settings / FOLDER / NAME

    def write(self) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(str(self._clock.now()), encoding="utf-8")

    @property
    def there(self) -> bool:
        return self.file.exists()

    def spend(self) -> bool:
        """Use it up; False when there is none, or the broker takes it no more."""
        try:
            written = float(self.file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return False
        self.file.unlink()
        return self._clock.now() < next_token_death(written)
