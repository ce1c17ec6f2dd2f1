# What can be wrong with files and their rights. Sourced by checks.bash.
# shellcheck shell=bash

# The containers run as other users: a copy made under umask 077 gives them programs and settings they cannot read.
check_files() {
    local folders='docker event_processor gateway_simulator healthcheck' accounts closed
    accounts=$(setting ACCOUNTS_FILE)
    # shellcheck disable=SC2086  # folders, one word each
    closed=$(find $folders \( -type d ! -perm -005 -o -type f ! -perm -004 \) -print 2>/dev/null | head -n 1)
    if [ -n "$closed" ]; then
        found bad files "the containers' users cannot read $closed" "chmod -R go+rX $folders"
    elif [ -n "$accounts" ] && [ ! -f "$accounts" ]; then
        found bad files "ACCOUNTS_FILE names $accounts, and that is no file" \
            "put it there (accounts.example.yaml shows how), or empty ACCOUNTS_FILE in $ENV_FILE"
    elif [ -n "$accounts" ] && [ -n "$(find "$accounts" ! -perm -004 ! -user 1000)" ]; then
        found bad files "the event processor, which is user 1000, cannot read $accounts" "sudo chown 1000 $accounts"
    else
        found ok files "the containers' users can read theirs"
    fi
}

# file_facts FILE: its mode and owner, as `600 1000`.
file_facts() { stat -c '%a %u' "$1" 2>/dev/null || stat -f '%Lp %u' "$1"; }

check_secrets() {
    local file wrong='' missing=''
    for file in redis_processor_password redis_producer_password redis_viewer_password redis_users.acl; do
        [ -e "$SECRETS/$file" ] || missing="$missing $file"
    done
    if [ -z "$(setting IB_PASSWORD)" ] && [ ! -e "$(setting IB_PASSWORD_FILE /nowhere)" ]; then
        missing="$missing ib_password"
    fi
    for file in "$SECRETS"/*; do
        [ -f "$file" ] || continue
        case "$file $(file_facts "$file")" in
            *" 600 1000" | *".acl 640 1000") ;;
            *) wrong="$wrong ${file##*/}" ;;
        esac
    done
    if [ -n "$missing" ]; then
        found bad secrets "missing:$missing" "make secrets"
    elif [ -n "$wrong" ]; then
        found bad secrets "not as they must be (mode 600, owner 1000):$wrong" "make secrets"
    elif [ "$(file_facts secrets | cut -d ' ' -f 1)" != 700 ]; then
        found bad secrets "others may look into secrets/" "chmod 700 secrets"
    elif [ -n "$(setting IB_PASSWORD)" ]; then
        found look secrets "the IBKR password stands in $ENV_FILE" "make secrets moves it into a file"
    else
        found ok secrets "mode 600, owned by the containers' user"
    fi
}
