# Copies of the stack's data, made and put back by a container that sees the volumes and no network. Sourced after
# stack.bash.
# shellcheck shell=bash disable=SC2034,SC2016

COPY_IMAGE=redis:8-alpine # the stack needs it anyway, and its tools know whether a journal is whole

# beside_volumes REDIS-VOLUME GATEWAY-VOLUME MODE SCRIPT [MORE MOUNTS...]: run a shell script that finds them under /stack.
beside_volumes() {
    local redis=$1 gateway=$2 mode=$3 script=$4
    shift 4
    docker run --rm --interactive --network none --user 0 --volume "$redis:/stack/redis:$mode" \
        --volume "$gateway:/stack/gateway:$mode" "$@" --entrypoint sh "$(setting REDIS_IMAGE "$COPY_IMAGE")" -euc "$script"
}

# Redis only ever appends to its file, so a copy taken while it writes is what it held a moment ago, unless it exchanged
# the file meanwhile; then the list of its parts differs, or the copy is not whole, and it is copied again.
COPY_JOURNAL='
copied=no
for try in 1 2 3 4 5; do
    rm -rf /tmp/copy && mkdir -p /tmp/copy/redis
    cp -a /stack/redis/appendonlydir /tmp/copy/redis/
    cmp -s /stack/redis/appendonlydir/*.manifest /tmp/copy/redis/appendonlydir/*.manifest || continue
    redis-check-aof /tmp/copy/redis/appendonlydir/*.manifest >/tmp/said 2>&1 || continue
    copied=yes
    break
done
[ "$copied" = yes ] || { cat /tmp/said >&2; exit 3; }
'

CHECK_JOURNAL='
mkdir -p /tmp/copy && tar -xzf - -C /tmp/copy
redis-check-aof /tmp/copy/redis/appendonlydir/*.manifest >/tmp/said 2>&1 || { cat /tmp/said >&2; exit 3; }
'

# put_back PART...: the script that exchanges these parts, redis or gateway.
put_back() {
    local part
    for part in "$@"; do
        # The folders themselves stay as they are: a journal's folder that Redis does not own lets it write no new file.
        say "find /stack/$part -mindepth 1 -delete"
        say "find /tmp/copy/$part -mindepth 1 -maxdepth 1 -exec cp -a {} /stack/$part/ ';'"
    done
    say "find /stack/gateway -name session-policy -delete # how often it started lately is of no interest any more"
}
