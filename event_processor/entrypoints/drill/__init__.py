"""`rebalancer drill`: numbered acceptance cards, played against the gateway simulator or a paper account.

card.py        what a card is, and what came of one
catalogue.py   all cards that a program can play; docs/drill-cards.md lists them with those that only a person can
place.py       where a card is played: a simulator of its own, or a gateway with a paper account
stage.py       what a card has in its hands while it is played: traders, checks, notes
trader.py      one API session of ours, through the processor's own adapter
plain.py       a session without that adapter, for what it never sends
sender.py      a process that dies right after it has sent an order
orders.py doubts.py sessions.py    the cards themselves
performance.py    plays the chosen cards; report.py: the table's rows, JSON and text
"""
