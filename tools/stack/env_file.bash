# Edits of a settings file, line by line; everything else in it stays as it is. Sourced after stack.bash.
# shellcheck shell=bash

# env_set FILE NAME VALUE: give the setting this value, in its own line, else in place of its commented line, else at the
# end. Setting what is set already changes nothing.
env_set() {
    local file=$1 name=$2 value=$3 line done_at='' pattern found=0
    for pattern in "^$name=" "^#$name="; do
        if grep -q "$pattern" "$file"; then
            done_at=$pattern
            break
        fi
    done
    {
        while IFS= read -r line || [ -n "$line" ]; do
            if [ -n "$done_at" ] && [[ $line =~ $done_at ]]; then
                [ "$found" = 1 ] || printf '%s=%s\n' "$name" "$value"
                found=1
            else
                printf '%s\n' "$line"
            fi
        done <"$file"
        [ "$found" = 1 ] || printf '%s=%s\n' "$name" "$value"
    } >"$file.new"
    chmod 600 "$file.new"
    mv "$file.new" "$file"
}

# env_clear FILE NAME: empty the setting where it has a value.
env_clear() {
    if grep -q "^$2=." "$1"; then env_set "$1" "$2" ''; fi
}

# env_names FILE: the names that have a value or a line of their own.
env_names() {
    sed -n 's/^[[:space:]]*\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p' "$1"
}
