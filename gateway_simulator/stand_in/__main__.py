"""`python -m gateway_simulator.stand_in`: the main program of the simulator image."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from gateway_simulator.scenario import ScenarioError

from .image import Image
from .processes import StartError
from .settings import SettingsError


def main() -> int:
    """Run the image; returns its exit status."""
    try:
        return asyncio.run(Image(os.environ, Path.home()).run())
    except (SettingsError, StartError, ScenarioError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
