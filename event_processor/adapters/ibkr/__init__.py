"""The broker: the port `Broker` over ib_async; no ib_async type leaves this folder.

gateway.py     IbkrBroker, the port: what outlives a connection
link.py        one connection, from handshake to end: requests, time-outs, what each message means
facade.py      ib_async's client and facade, paced and made strict
wrapper.py     ib_async's callbacks, turned into plain records before anything else sees them
translate.py   ib_async objects <-> domain, pure
codes.py       message codes -> meaning
pacing.py      never more than so many messages in any one second
orders.py      which order is which, and the next order id
lookups.py     open orders, completed orders, executions: all or nothing
accounts.py    positions and account values, standing
contracts.py   queries -> contracts, refusing ambiguity
quotes.py      market data lines -> quotes with their age; lines.py: one line
"""
