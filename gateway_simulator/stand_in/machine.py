"""One step of the login: (login, input) -> (login, effects). Pure; time is an argument."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gateway_simulator.clock import utc

from .conflict import answer
from .table import LOCK_MARGIN_SECONDS, TABLE, TIMERS, WINDOWS
from .words import Effect, Input, Login, Rules, Say, State

S, In = State, Input
LOGIN_BEGINS = {(S.FORM, In.FILL_IN), (S.FORM, In.SUBMIT), (S.STUCK, In.SUBMIT)}


def step(login: Login, given: Input, rules: Rules, now: float) -> tuple[Login, list[Effect]] | None:
    """What the input leads to, and what is to be said and done, in order; None when it means nothing here."""
    extra, chosen = _choice(login, given, rules)
    move = TABLE[login.state].get(chosen)
    if move is None:
        return None
    after = _after(login, chosen, move.to, now)
    words = _words(after, rules, now)
    left, entered = WINDOWS.get(login.state), WINDOWS.get(move.to)
    effects: list[Effect] = [Say(text.format_map(words)) for text in (*extra, *move.first)]
    if left is not None and left != entered and left[0] == "dialog":
        effects.append(Say(f"detected dialog entitled: {left[1]}; event=Closed"))
    if entered is not None and left != entered:
        effects.append(Say(f"detected {entered[0]} entitled: {entered[1]}; event=Opened"))
    effects += [Say(text.format_map(words)) for text in move.then]
    return replace(after, exit_code=move.code), [*effects, *move.do]


def timers(login: Login, rules: Rules) -> list[tuple[Input, float]]:
    """What happens by itself after how many seconds, counted from the arrival in the state."""
    found = [(given, seconds(rules)) for given, seconds in TIMERS.get(login.state, ())]
    if login.state is S.LOCKED and rules.relogin:
        found.append((In.AGAIN, login.locked_for + LOCK_MARGIN_SECONDS))
    return found


def _choice(login: Login, given: Input, rules: Rules) -> tuple[tuple[str, ...], Input]:
    """The input as the rules read it, and what they make the automator say."""
    if (login.state, given) == (S.EXISTING, In.AUTOMATE):
        return answer(rules.existing_action, login)
    choose = CHOICES.get((login.state, given))
    return (), given if choose is None else choose(rules)


CHOICES: dict[tuple[State, Input], Callable[[Rules], Input]] = {
    (S.FORM, In.AUTOMATE): lambda rules: In.FILL_IN if rules.given else In.LEAVE_TO_PERSON,
    (S.SECOND_FACTOR, In.APPROVE): lambda rules: In.HURRY if rules.relogin else In.APPROVE,
    (S.SECOND_FACTOR, In.MISS): lambda rules: In.ASK_AGAIN if rules.relogin else In.LET_BE,
    (S.ADMITTED, In.GIVE_UP): lambda rules: In.GIVE_UP if rules.relogin else In.LET_BE,
    (S.LOCKED, In.AUTOMATE): lambda rules: In.ASK_AGAIN if rules.relogin else In.LET_BE,
}


def _after(login: Login, chosen: Input, to: State, now: float) -> Login:
    begins = (login.state, chosen) in LOGIN_BEGINS
    pushes = login.state is S.EXISTING and chosen is In.CONTINUE
    return replace(
        login,
        state=to,
        attempts=login.attempts + (chosen is In.FILL_IN),
        began=now if begins else login.began,
        logged_in=login.logged_in or to is S.READY,
        continued=login.continued or (pushes and not login.logged_in),
    )


def _words(login: Login, rules: Rules, now: float) -> dict[str, object]:
    return {
        "mode": "live" if rules.live else "paper",
        "button": "Log In" if rules.live else "Paper Log In",
        "attempt": login.attempts,
        "next_attempt": login.attempts + 1,
        "duration": now - login.began,
        "exit_interval": rules.exit_interval,
        "locked": locked_words(login.locked_for),
        "again_at": f"{utc(now + login.locked_for + LOCK_MARGIN_SECONDS).astimezone(rules.zone):%Y-%m-%d %H:%M:%S}",
    }


def locked_words(seconds: float) -> str:
    """The broker's words; IBC reads the waiting time out of them."""
    minutes, rest = divmod(round(seconds), 60)
    parts = [f"{minutes} minute{'s' * (minutes > 1)}"] * bool(minutes) + [f"{rest} second{'s' * (rest != 1)}"] * bool(
        rest
    )
    return f"Too many failed login attempts. Please wait {' & '.join(parts)} before attempting to re-login again."
