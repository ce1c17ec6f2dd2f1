# A word with the gateway's login automator, and how the gateway is. Sourced after stack.bash.
# shellcheck shell=bash

GATEWAY_WORDS=docker/gateway/log-out.sh
POLICY_COUNTER=/var/tmp/tws_settings/session-policy # docker/gateway/start keeps it there

# tell_gateway STOP|RESTART|PAUSE: true when the automator took it. It needs nothing in the image but bash. A STOP or PAUSE
# may end the container under our feet (137), which is what was asked for.
tell_gateway() {
    local code=0
    compose exec -T ibkr bash -s -- "$1" <"$GATEWAY_WORDS" >&2 || code=$?
    [ "$code" = 0 ] || { [ "$code" = 137 ] && [ "$1" != RESTART ]; }
}

gateway_stopped() { ! runs ibkr; }

gateway_health() {
    local id
    id=$(container ibkr)
    [ -n "$id" ] && docker inspect --format '{{if .State.Health}}{{.State.Health.Status}}{{end}}' "$id"
}

# logged_in: whether the gateway answers API clients, also in its first minute, when it counts as starting all the same.
logged_in() {
    [ "$(gateway_health)" = healthy ] || [[ $(gateway_line "$(container ibkr)") == *'"name": "gateway", "ok": true'* ]]
}

# gateway_line CONTAINER: how it is now, one line of JSON. Asked anew, for what the engine remembers of its health check
# may be from before the last restart. An image without bash cannot say anything; then it is looked at from outside.
gateway_line() {
    local line
    line=$(limited 10 docker exec "$1" bash /rebalancer/gateway.sh 2>/dev/null) || true # it tells by words
    case $line in
        \{*) say "$line" ;;
        *) compose run --rm --no-deps -T healthcheck gateway 2>/dev/null || true ;;
    esac
}

# logged_since SECONDS TEXT: whether the gateway's log has this text since then (seconds since 1970).
logged_since() { docker logs --since "$1" "$(container ibkr)" 2>&1 | grep -F "$2" >/dev/null; }

# keep_down: the engine does not bring the gateway back when it ends.
keep_down() { docker update --restart=no "$(container ibkr)" >/dev/null; }

# gateway_pauses: whether it has stepped back for another login and waits, logged in nowhere, before it tries again.
gateway_pauses() { [[ $(gateway_line "$(container ibkr)") == *'"contended"'* ]]; }

# forget_pause: a stop that was asked for is no reason to hesitate at the next start.
forget_pause() { compose exec -T ibkr rm -f "$POLICY_COUNTER" || note "the gateway may wait a little at its next start"; }

# log_out WORD: STOP, or PAUSE to come back without a new second factor; then wait until the container has ended.
# False when it was not tidy: IBKR may then think for a while that somebody is still logged in.
log_out() {
    runs ibkr || return 0
    keep_down
    if gateway_pauses; then # nobody is logged in, and a program that waits does not hear that it is to end
        forget_pause
        compose kill ibkr
        return 0
    fi
    if ! tell_gateway "$1"; then
        forget_pause
        return 1
    fi
    until_true 90 gateway_stopped
}
