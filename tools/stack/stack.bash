# Which stack a command means, and how to talk to it. Sourced by the commands beside it; does nothing by itself.
#
# There are two stacks, and nothing of one is ever seen by the other: `real` (settings in .env, paper or live account)
# and `practice` (settings in .stack/practice.env, the simulator in place of the gateway). They are two Compose projects
# with volumes and secrets of their own. `make up` and `make up-sim` remember the choice in .stack/which; STACK=real or
# STACK=practice overrules it for one command.
# shellcheck shell=bash
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."

STATE=.stack

say() { printf '%s\n' "$*"; }
note() { printf '%s\n' "$*" >&2; }

# stop WHAT WHY DO: say what failed, why, and what to do; then give up.
stop() {
    note "error: $1"
    [ -z "${2:-}" ] || note "  why: $2"
    [ -z "${3:-}" ] || note "  do:  $3"
    exit 1
}

# help_asked "$@": print the head comment of the running command when --help is among its arguments.
help_asked() {
    case " $* " in
        *" --help "* | *" -h "*) ;;
        *) return 0 ;;
    esac
    sed -n '2,/^[^#]/ s/^# \{0,1\}//p' "$0"
    exit 0
}

use_stack() {
    local name=${COMPOSE_PROJECT_NAME:-}
    name=${name%-practice}
    case $1 in
        real) ENV_FILE=.env SECRETS=secrets UP='make up' ;;
        practice)
            ENV_FILE=$STATE/practice.env SECRETS=secrets/practice UP='make up-sim'
            name=${name:+$name-practice}
            unset COMPOSE_FILE # the settings of the practice stack say which files it is made of
            ;;
        *) stop "there is no stack '$1'" "there are two: real and practice" "make status STACK=practice" ;;
    esac
    [ -z "$name" ] || export COMPOSE_PROJECT_NAME="$name"
    WHICH=$1
}

remember_stack() {
    mkdir -p "$STATE"
    printf '%s\n' "$WHICH" >"$STATE/which"
}

# setting NAME [DEFAULT]: the variable of that name, else its line in the stack's settings, else the default.
setting() {
    local value=${!1:-}
    if [ -z "$value" ] && [ -r "$ENV_FILE" ]; then
        value=$(sed -n "s/^[[:space:]]*$1=//p" "$ENV_FILE" | tail -n 1 | sed "s/[[:space:]]#.*//; s/[[:space:]]*\$//")
        case $value in
            \"*\" | \'*\') value=${value:1:${#value}-2} ;;
        esac
    fi
    printf '%s\n' "${value:-${2:-}}"
}

# title: which stack this is about; the first line of what a person is shown.
title() {
    case $WHICH-$(setting TRADING_MODE paper) in
        practice-*) say "practice stack (make ... STACK=real for the other)  PRACTICE: simulated broker, no order leaves this machine" ;;
        *-live) say "real stack  LIVE: real money" ;;
        *) say "real stack  PAPER: IBKR's paper account" ;;
    esac
}

project() { setting COMPOSE_PROJECT_NAME rebalancer; }

link() { setting NOVNC_URL "http://localhost:$(setting VNC_WEB_PORT 6080)"; }

# compose ARGUMENTS: Docker Compose on this stack. Only starting needs the secrets to be there, and `up` looks for them.
compose() {
    local chosen=()
    [ ! -r "$ENV_FILE" ] || chosen=(--env-file "$ENV_FILE")
    REDIS_SECRETS=$(setting REDIS_SECRETS "./$SECRETS") docker compose ${chosen[@]+"${chosen[@]}"} "$@"
}

# container SERVICE: its id, also when it is stopped; nothing when there is none.
container() {
    docker ps --all --quiet --filter "label=com.docker.compose.project=$(project)" \
        --filter "label=com.docker.compose.service=$1" --filter label=com.docker.compose.oneoff=False | head -n 1
}

# volume NAME: the full name of the stack's volume; nothing when there is none.
volume() {
    docker volume ls --quiet --filter "label=com.docker.compose.project=$(project)" \
        --filter "label=com.docker.compose.volume=$1" | head -n 1
}

runs() {
    local id
    id=$(container "$1")
    [ -n "$id" ] && [ "$(docker inspect --format '{{.State.Running}}' "$id")" = true ]
}

need_engine() {
    docker version >/dev/null 2>&1 || stop "no container engine answers" \
        "'docker version' fails: it is not installed, not started, or you may not use it" \
        "start Docker, or add yourself to the group 'docker' and log in again; make doctor says more"
}

# confirm QUESTION: go on only when a person says yes, or YES=1 says it for them.
confirm() {
    local answer=
    [ "${YES:-}" != 1 ] || return 0
    [ -t 0 ] || stop "this asks a question, and nobody is there to answer" "$1" "add YES=1 when you are sure"
    read -r -p "$1 [y/N] " answer
    case $answer in
        y | Y | yes) ;;
        *) stop "nothing was done" "the answer was not yes" ;;
    esac
}

# limited SECONDS COMMAND...: the command, ended when it takes longer (where `timeout` is installed).
limited() {
    if command -v timeout >/dev/null; then timeout "$@"; else shift && "$@"; fi
}

# until_true SECONDS COMMAND...: wait until the command succeeds; fails when the time is over.
until_true() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 1
    done
}

# held_back: the start-up gate runs, and the event processor starts when it is through.
held_back() { runs healthcheck && ! runs event-processor; }

# rebalancer ARGUMENTS: the product's own command, inside the running event processor.
rebalancer() {
    runs event-processor || stop "the event processor does not run" "this command runs inside it" \
        "$UP; after a halt: make resume"
    if [ -t 0 ] && [ -t 1 ]; then
        compose exec event-processor rebalancer "$@"
    else
        compose exec -T event-processor rebalancer "$@"
    fi
}

# rebalancer_apart ARGUMENTS: the same in a container of its own, for when the processor is stopped; needs Redis only.
rebalancer_apart() {
    compose run --rm --no-deps -T --entrypoint rebalancer event-processor "$@"
}

use_stack "${STACK:-$(cat "$STATE/which" 2>/dev/null || echo real)}"
