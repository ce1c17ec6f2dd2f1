#!/bin/bash
# Tell the login automator, from inside the gateway's container: STOP (log out and end), RESTART or PAUSE (both keep
# the approved login). After STOP and PAUSE it waits until the gateway is gone; its container may end in that moment.
# Exit codes: 0 done, 1 nobody there to tell, 2 refused or called wrongly, 3 still there after a minute.
set -u

word=${1:-STOP}
port=${COMMAND_SERVER_PORT:-7462}
[ "${TRADING_MODE:-paper}" = paper ] && usual=4002 || usual=4001
api_port=${API_PORT:-$usual} # the image sets it for what it starts itself

case $word in
STOP | RESTART | PAUSE) ;;
*)
    echo "log-out: STOP, RESTART or PAUSE, not $word" >&2
    exit 2
    ;;
esac

# Looks at the kernel's table: connecting would disturb what is shutting down.
listens() { grep -qi "^ *[0-9]*: [0-9a-f]*:$(printf '%04X' "$1") [0-9a-f:]* 0A " /proc/net/tcp /proc/net/tcp6; }

# A stop that was asked for is no reason to hesitate at the next start.
[ "$word" = RESTART ] || rm -f "${TWS_SETTINGS_PATH:-$HOME}/session-policy"

if ! { exec 3<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null; then
    echo "log-out: no command server on port $port of this container; the gateway is down or starting" >&2
    exit 1
fi
echo "$word" >&3
answer=
while IFS= read -r -t 10 answer <&3; do
    echo "log-out: $word: ${answer%$'\r'}"
    [[ $answer == INFO* ]] || break
done
exec 3>&-
[[ $answer != ERROR* ]] || exit 2
[ "$word" != RESTART ] || exit 0

for ((tenths = 0; tenths < 600; tenths++)); do
    listens "$port" || listens "$api_port" || exit 0
    sleep 0.1
done
echo "log-out: the gateway is still there after a minute" >&2
exit 3
