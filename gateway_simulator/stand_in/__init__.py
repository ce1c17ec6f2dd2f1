"""The simulator as a container image in the place of gnzsnz/ib-gateway.

`table` and `machine` say what the gateway's login and its automator do, as data; `program` gives that
time, a broker and an API; `image` does what the real image's start script does; `window` is what a
person sees. Texts and behaviour: IBC's source, 3.24, and the image's scripts of August 2026.
"""
