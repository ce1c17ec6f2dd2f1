# Reading what services say of themselves, with nothing but the shell. Sourced after stack.bash.
# shellcheck shell=bash

# json_text NAME LINE: the first text of that name in one line of JSON; nothing when there is none.
json_text() {
    local pattern="\"$1\": ?\"(([^\"\\\\]|\\\\.)*)\"" text
    [[ $2 =~ $pattern ]] || return 0
    text=${BASH_REMATCH[1]//\\\"/\"}
    printf '%b\n' "$text"
}

# by_make: the product's own commands, as it names them inside its container, become those that work out here.
by_make() {
    sed -E -e 's/rebalancer resume all/make resume/g' -e 's/rebalancer resume ([A-Za-z0-9_-]+)/make resume ACCOUNT=\1/g' \
        -e 's/rebalancer (resume|status|mfa)/make \1/g' -e 's/rebalancer (reconcile|events|orders)/tools\/stack\/cli \1/g'
}

# http_get PORT PATH: the body of the answer on loopback; fails when nobody answers, or is silent for three seconds.
http_get() (
    exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
    printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$2" >&3
    IFS= read -r -t 3 line <&3 || exit 1
    while IFS= read -r -t 3 line <&3 && [ "$line" != $'\r' ]; do :; done
    while IFS= read -r -t 3 line <&3 || [ -n "$line" ]; do printf '%s\n' "$line"; done
) 2>/dev/null

# moment SECONDS: the instant in local words.
moment() { date -d "@$1" '+%a %d %b %H:%M %Z' 2>/dev/null || date -r "$1" '+%a %d %b %H:%M %Z'; }

# span SECONDS: how long, in two units at most.
span() {
    if [ "$1" -ge 172800 ]; then
        say "$(($1 / 86400)) days $(($1 % 86400 / 3600)) h"
    elif [ "$1" -ge 3600 ]; then
        say "$(($1 / 3600)) h $(($1 % 3600 / 60)) min"
    else
        say "$(($1 / 60)) min"
    fi
}
