"""What a person sees: one full-screen window that draws the state it is told and reports what is clicked.

A process of its own, so that a screen that hangs cannot hold up the gateway. It decides nothing.
"""
