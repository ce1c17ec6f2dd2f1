#!/bin/sh
# Port 4001 here leads to the port of the gateway that belongs to the trading mode.
set -eu
case "${GATEWAY_PORT:-}" in
4003 | 4004) ;;
*)
    echo "relay: GATEWAY_PORT is '${GATEWAY_PORT:-}'; it must be 4004 (paper) or 4003 (live), from docker/mode/" >&2
    exit 64
    ;;
esac
# A gateway that vanished without a word is noticed within half a minute.
quick=keepalive,keepidle=10,keepintvl=5,keepcnt=3,nodelay
exec socat \
    "TCP4-LISTEN:4001,fork,reuseaddr,max-children=32,$quick" \
    "TCP4:${GATEWAY_HOST:-ibkr}:$GATEWAY_PORT,connect-timeout=3,$quick"
