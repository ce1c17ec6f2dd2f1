#!/bin/bash
# SESSION_POLICY=yield: each start of the gateway's container soon after another waits longer before it logs in, so
# that a person who is logged in elsewhere is left alone, and IBKR does not lock the user name for too many logins.
# A new container counts from the start, since a person made it, and after an hour of life all is forgotten.
set -u

pauses=(0 60 120 240 480 600)
life=3600
file=${TWS_SETTINGS_PATH:-$HOME}/session-policy # on the settings volume, for whoever wants to know
here=$HOME/.started                             # in this container: gone with it

say() { echo ".> session policy: $*"; }

if [ "${EXISTING_SESSION_DETECTED_ACTION:-}" != secondary ]; then
    rm -f "$file"
    say "insist: no pause, the gateway takes its session back"
    exit 0
fi

now=$(date +%s)
starts=0
started=0
if [ -e "$here" ] && [ -r "$file" ]; then
    while IFS='=' read -r name value; do
        [[ $value =~ ^[0-9]{1,12}$ ]] || continue
        case $name in
        starts) starts=$((10#$value)) ;;
        started) started=$((10#$value)) ;;
        esac
    done <"$file"
fi
if ((starts > 0 && now - started >= life)); then
    say "the gateway lived for an hour or more: its earlier starts are forgotten"
    starts=0
fi
pause=${pauses[starts < 5 ? starts : 5]}
touch "$here"
mkdir -p "${file%/*}"
if ! printf 'starts=%d\nstarted=%d\nsince=%d\nuntil=%d\n' $((starts + 1)) $((now + pause)) "$now" $((now + pause)) \
    >"$file.new" ||
    ! mv "$file.new" "$file"; then
    say "cannot write $file: the pauses will not grow"
fi
if ((pause == 0)); then
    say "yield: start number $((starts + 1)) within an hour, no pause"
    exit 0
fi
say "yield: start number $((starts + 1)) within an hour; somebody may be logged in elsewhere"
say "waiting $pause s before the next login; to log in at once: make restart-gateway"
sleep "$pause"
say "going on to the login"
