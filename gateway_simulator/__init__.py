"""A stand-in IB Gateway that speaks the TWS socket protocol; standard library only.

Map: `wire` frames bytes, `codec/` lays out messages, `server` talks to clients, `exchange` matches
orders, `ledger` writes the truth down, `market` makes prices and hours, `session` plays the login,
`faults` and `scenario` say what goes wrong and when, `control` lets a person or a test interfere.
It shares no code with `event_processor`, so that one misunderstanding cannot hide on both sides.
"""

from __future__ import annotations
