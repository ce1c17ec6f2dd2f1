"""Answers to requests, one file per kind of request; each has a table `HANDLERS` from request to function.

A handler gets the `Peer` that asked and the request; it answers with `peer.send(fields)`, with the
messages of `codec`. What goes on after the first answer is a subscription, kept by the handlers' class.
"""

from __future__ import annotations
