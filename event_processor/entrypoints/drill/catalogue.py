"""All cards that a program can play, in the order of their numbers; docs/drill-cards.md says the same to people."""

from __future__ import annotations

from event_processor.entrypoints.drill import doubts, orders, sessions
from event_processor.entrypoints.drill.card import Card, Manner

DAY_SECONDS = 27 * 3600.0

CARDS = (
    Card(
        number="D-01",
        title="buy one share and fill",
        confirms="an accepted order is reported, and its execution, its commission and the status Filled follow",
        steps=("buy one share at the market", "wait for fill, execution and commission", "sell it again"),
        passes={
            "reported": "the order is reported",
            "filled": "its last status is Filled",
            "once": "the executions, each execId counted once, are one share",
            "cost": "each execution has its commission",
            "position": "the position grows by one share within ten seconds",
        },
        play=orders.buy_and_fill,
        trades=True,
    ),
    Card(
        number="D-02",
        title="the orderRef is kept",
        confirms="an orderRef of 24 characters comes back unchanged on open orders, completed orders and executions",
        steps=("rest an order, look", "cancel it, look", "buy one share, look, sell it again"),
        passes={
            "open": "the open order carries it",
            "completed": "the completed order carries it",
            "executed": "the execution carries it",
        },
        play=orders.reference_kept,
        trades=True,
    ),
    Card(
        number="D-03",
        title="rest and cancel",
        confirms="a cancelled order answers with 202 and Cancelled, and is listed under completed orders",
        steps=("buy one share well below the market", "cancel it", "look for it with another client id"),
        passes={
            "rests": "it is acknowledged and does not fill",
            "told": "message 202 names it",
            "cancelled": "its last status is Cancelled",
            "listed": "completed orders list it once, with permId and orderRef",
        },
        play=orders.rest_and_cancel,
    ),
    Card(
        number="D-05",
        title="a second client with our id",
        confirms="the newcomer is refused with 326, the first session goes on, and the id is free soon after it ends",
        steps=("connect", "connect again with the same id", "close the first, connect once more"),
        passes={
            "refused": "the newcomer is refused because of its id",
            "undisturbed": "the first session answers look-ups",
            "free": "the id is free again within five seconds",
        },
        play=sessions.second_client,
    ),
    Card(
        number="D-06",
        title="socket cut with a working order",
        confirms="after the reconnect a working order is shown within five seconds, with orderRef and permId",
        steps=("rest an order", "cut the socket", "connect again and look", "cancel it"),
        passes={
            "visible": "a look-up shows it within five seconds of the reconnect",
            "same": "once, under the same permId",
        },
        play=doubts.socket_cut,
    ),
    Card(
        number="D-07",
        title="kill between sending and acknowledgement",
        confirms="an order whose sender died before the answer is shown by a look-up within five seconds, once",
        steps=("a process sends a resting order and kills itself", "connect with its client id and look", "cancel it"),
        passes={
            "died": "the sender was killed, not ended",
            "visible": "a look-up shows the order within five seconds of the connect",
            "once": "there is exactly one",
        },
        play=doubts.killed_before_the_answer,
    ),
    Card(
        number="D-08",
        title="the owner logs in elsewhere",
        confirms="the socket stays open, 1100 comes again and again, and 1101 or 1102 when the owner has left",
        steps=("rest an order", "log in elsewhere with the same user name", "log out there", "look for the order"),
        passes={
            "told": "1100 comes more than once",
            "restored": "1101 or 1102 comes last",
            "socket": "the socket stays open",
            "order": "the order is still there, open or completed, once",
        },
        play=sessions.owner_elsewhere,
        manner=Manner.ASKS,
        seconds=1200.0,
    ),
    Card(
        number="D-09",
        title="nightly restart",
        confirms="the socket closes, the gateway is back within ten minutes without a person, order ids stay usable",
        steps=("rest an order", "wait for the restart", "connect again", "rest another order", "cancel both"),
        passes={
            "closes": "the socket closes",
            "back": "there is a session again within ten minutes",
            "ids": "a new order is not refused with 103",
        },
        play=sessions.nightly_restart,
        manner=Manner.NAMED,
        seconds=DAY_SECONDS,
    ),
    Card(
        number="D-10",
        title="informative notices",
        confirms="a cancel that comes too late, and an order preset, give codes that leave orders as they are",
        steps=("buy one share, cancel it too late, sell it", "rest an order without tif, look, cancel it"),
        passes={
            "too late": "the cancel is refused as a cancel",
            "still filled": "the order stays filled",
            "alive": "the order without tif is open, and only informative codes named it",
        },
        play=orders.informative_notices,
        scenario="tif-preset",
        trades=True,
    ),
    Card(
        number="D-12",
        title="how long orders and executions stay visible",
        confirms="completed orders and executions are shown for the current day, and when that day ends",
        steps=(
            "buy and sell one share",
            "rest and cancel an order",
            "look every quarter of an hour until both are gone",
        ),
        passes={
            "shown": "both are shown right after their end",
            "gone": "both are gone within 26 hours",
        },
        play=orders.how_long_shown,
        manner=Manner.NAMED,
        manual_clock=True,
        trades=True,
        seconds=DAY_SECONDS,
    ),
    Card(
        number="D-26",
        title="connect and read",
        confirms="after the connect all that a plan is made from is read within ten seconds",
        steps=("connect", "read account values and positions", "look for orders", "resolve a contract"),
        passes={
            "accounts": "every account of the login is a paper account, and none is empty",
            "values": "net liquidation value and base currency are there",
            "orders": "all look-ups have answered within ten seconds",
            "contract": "the contract has its price step and its hours",
        },
        play=sessions.connect_and_read,
    ),
    Card(
        number="D-27",
        title="what-if",
        confirms="a what-if order is answered with margin and commission, and nothing is placed",
        steps=("ask what buying one share would cost", "look for orders and positions"),
        passes={
            "answered": "the answer has a change of margin",
            "nothing placed": "no order is open and the position is unchanged",
        },
        play=orders.what_if,
    ),
)
BY_NUMBER = {card.number: card for card in CARDS}
