"""The gateway's window as a person sees it: noVNC in a real Chromium, real keys, real clicks."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Error, Page, Route, sync_playwright

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "build/screenshots"
WAIT_MILLISECONDS = 30_000
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CONNECTED = "html.noVNC_connected"
PASSWORD_FIELD = ".noVNC_open #noVNC_password_input"
COLOURS = """() => {
    const canvas = document.querySelector('#noVNC_container canvas')
    if (!canvas || !canvas.width) return 0
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data
    return new Set(new Uint32Array(pixels.buffer)).size
}"""
SHOWN = f"() => ({COLOURS})() > 20"
"""A blank screen has one colour, a window with smooth letters has hundreds."""
USER_FIELD, LOG_IN, APPROVE = (300, 300), (300, 463), (846, 410)
"""Places in the pretended gateway's window of 1024 by 768."""


class Screen:
    """One page of noVNC; every wait is limited."""

    def __init__(self, page: Page, pictures: Path = PICTURES) -> None:
        self._page, self._pictures = page, pictures
        pictures.mkdir(parents=True, exist_ok=True)

    def open(self, port: str) -> None:
        """The address a person types; nothing has to be clicked before the password is asked for."""
        self._page.goto(f"http://127.0.0.1:{port}/")
        self._page.wait_for_selector(PASSWORD_FIELD)

    def lose_once(self, part: str, *, silently: bool) -> list[str]:
        """The next request for this part of the page fails, or if silently, is never answered; it is listed then."""
        lost: list[str] = []

        def lose(route: Route) -> None:
            lost.append(part)
            if not silently:
                route.abort()

        self._page.route(f"**/{part}", lose, times=1)
        return lost

    def give_password(self, password: str) -> None:
        """Type it and press Enter."""
        self._page.fill(PASSWORD_FIELD, password)
        self._page.keyboard.press("Enter")

    def refused(self) -> str:
        """What the page says when the password was wrong; it asks for it again by itself."""
        status = self._page.wait_for_selector("#noVNC_status.noVNC_open.noVNC_status_error")
        assert status is not None
        self._page.wait_for_selector(PASSWORD_FIELD)
        return status.inner_text()

    def shown(self) -> None:
        """Until the gateway's window can be seen."""
        self._page.wait_for_selector(CONNECTED)
        self._page.wait_for_function(SHOWN)

    def lost(self) -> None:
        """Until the page has noticed that the gateway is away."""
        self._page.wait_for_selector(f"html:not({CONNECTED.removeprefix('html')})")

    def log_in(self, user: str, password: str) -> None:
        """Type both into the window, and click its button."""
        self._page.mouse.click(*USER_FIELD)
        self._page.keyboard.type(user, delay=30)
        self._page.keyboard.press("Tab")
        self._page.keyboard.type(password, delay=30)
        self._page.mouse.click(*LOG_IN)

    def approve(self) -> None:
        """A tap on the practice phone."""
        self._page.mouse.click(*APPROVE)

    def picture(self, name: str) -> Path:
        """Keep a screenshot as a build output; where it is."""
        path = self._pictures / f"{name}.png"
        self._page.screenshot(path=path)
        return path

    def picture_of_failure(self, test: str) -> str:
        """Where the screenshot for a failed test is, or why there is none."""
        try:
            return str(self.picture(f"failed-{test}"))
        except Error as error:  # the browser itself may be what failed
            return f"none: {error}"


@contextmanager
def screen() -> Iterator[Screen]:
    """A browser with a new profile, for as long as the context lasts."""
    found = subprocess.run(
        [str(ROOT / "tools/chromium")], capture_output=True, text=True, timeout=300, check=True
    ).stdout.strip()
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found, args=QUIET)
        try:
            page = browser.new_page(viewport={"width": 1024, "height": 768})
            page.set_default_timeout(WAIT_MILLISECONDS)
            yield Screen(page)
        finally:
            browser.close()
