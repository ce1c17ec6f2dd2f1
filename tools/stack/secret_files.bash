# Secret files: written whole or not at all, readable by the containers' user and nobody else. The list of Redis' users
# holds hashes only; Redis runs as another user of the same group and reads it through the group. Sourced after stack.bash.
# shellcheck shell=bash

REDIS_USERS="processor producer viewer"
REDIS_TEMPLATE=docker/redis/users.acl.template
OWNER=1000 # user and group inside the containers
CHOWN_IMAGE=redis:8-alpine # the stack needs it anyway

write_secret() {
    (umask 077 && printf '%s' "$2" >"$SECRETS/.$1.new")
    mv -f "$SECRETS/.$1.new" "$SECRETS/$1"
}

# read_secret NAME: its text; through a container when it belongs to the containers' user and we are somebody else.
read_secret() {
    if [ -r "$SECRETS/$1" ]; then
        cat "$SECRETS/$1"
    else
        beside_secrets "cat '/secrets/$1'"
    fi
}

beside_secrets() {
    docker run --rm --network none --user 0 --volume "$PWD/$SECRETS:/secrets" --entrypoint sh \
        "$(setting REDIS_IMAGE "$CHOWN_IMAGE")" -c "$1" ||
        stop "the secrets could not be given to user $OWNER" "the containers run as that user; you are $(id -u)" \
            "sudo chown $OWNER:$OWNER $SECRETS/*, or start Docker and run this again"
}

# give_to_containers: the containers run as user 1000; files for nobody else.
give_to_containers() {
    local file foreign=0
    for file in "$SECRETS"/*; do
        [ -f "$file" ] || continue
        if [ -O "$file" ] || [ "$(id -u)" = 0 ]; then chmod "$(mode_of "$file")" "$file"; fi
        if [ "$(id -u)" = 0 ]; then
            chown "$OWNER:$OWNER" "$file"
        elif [ -O "$file" ] && [ "$(id -u)" != "$OWNER" ]; then
            foreign=1
        fi
    done
    if [ "$foreign" = 1 ]; then
        beside_secrets "find /secrets -maxdepth 1 -type f -exec chown $OWNER:$OWNER {} +"
    fi
}

mode_of() {
    case $1 in
        *.acl) echo 640 ;;
        *) echo 600 ;;
    esac
}

random_hex() { head -c 48 /dev/urandom | sha256; }

sha256() {
    if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -c 1-64
}

made_up_vnc() {
    head -c 2048 /dev/urandom | LC_ALL=C tr -dc 'a-km-zA-HJ-NP-Z2-9' | cut -c 1-8
}

# redis_secrets: a password for each user of Redis, and the list of users, which holds hashes only. The list follows its
# template, and is only written when it changes: `up` starts a Redis anew that has an older one.
redis_secrets() {
    local user password list
    [ -r "$REDIS_TEMPLATE" ] || stop "there is no $REDIS_TEMPLATE" "it comes with the program" "get a whole copy of it"
    list=$(cat "$REDIS_TEMPLATE")
    for user in $REDIS_USERS; do
        if [ "${ROTATE:-}" = redis ] || [ ! -e "$SECRETS/redis_${user}_password" ]; then
            write_secret "redis_${user}_password" "$(random_hex)"
        fi
        password=$(read_secret "redis_${user}_password")
        list=${list//"@$(printf '%s' "$user" | tr '[:lower:]' '[:upper:]')_HASH@"/$(printf '%s' "$password" | sha256)}
    done
    case $list in
        *@*_HASH@*) stop "$REDIS_TEMPLATE names a user that is not known" "known are: $REDIS_USERS" ;;
    esac
    if [ ! -e "$SECRETS/redis_users.acl" ] || [ "$(read_secret redis_users.acl)" != "$list" ]; then
        write_secret redis_users.acl "$list
"
    fi
}
