"""Turn rebalance events into exactly the right orders at Interactive Brokers, once.

Map: `domain` decides (pure), `application` orders effects, `adapters` translate to the broker and to
Redis, `entrypoints` is what people and machines call, `bootstrap` wires them, `ports` are the
boundaries between, `settings` is the only reader of the environment, `errors` the whole error tree.
"""

from __future__ import annotations

__version__ = "0.1.0"
