# What can be wrong with a machine or a stack. Each check prints one line, `ok|name|what was seen|what to do`, where the
# first word is ok, bad (it will not work) or look (a person should look). Sourced after stack.bash and vnc_password.bash.
# shellcheck shell=bash disable=SC2034

source tools/stack/checks_files.bash

CHECKS_BEFORE_UP="engine compose settings files secrets vnc_password ports"
CHECKS="engine compose settings names configuration files secrets vnc_password ports clock disk memory volumes journal backup"

ENGINE_MIN=25.0    # health checks that look often while starting (start_interval)
COMPOSE_MIN=2.24   # services in several env files, required variables, --wait-timeout
DRIFT_SECONDS_MAX=5
DISK_GB_MIN=3
MEMORY_MB_MIN=2000
BACKUP_DAYS_MAX=7
LOCAL=127.0.0.1

found() { printf '%s|%s|%s|%s\n' "$1" "$2" "$3" "${4:-}"; }

# told LINE NUMBER: one part of what a check found.
told() { printf '%s\n' "$1" | cut -d '|' -f "$2"; }

# at_least VERSION MINIMUM: compares major and minor.
at_least() {
    local major=${1%%.*} rest=${1#*.} minimum_rest=${2#*.}
    [ "$major" -gt "${2%%.*}" ] || { [ "$major" -eq "${2%%.*}" ] && [ "${rest%%.*}" -ge "${minimum_rest%%.*}" ]; }
}

check_engine() {
    local version
    if ! version=$(limited 10 docker version --format '{{.Server.Version}}' 2>/dev/null); then
        found bad engine "no container engine answers" "install Docker, start it, and be in the group 'docker'"
    elif at_least "$version" "$ENGINE_MIN"; then
        found ok engine "Docker $version"
    else
        found bad engine "Docker $version is older than $ENGINE_MIN" "install a newer Docker (docs.docker.com/engine/install)"
    fi
}

check_compose() {
    local version
    if ! version=$(docker compose version --short 2>/dev/null); then
        found bad compose "Docker Compose v2 is missing" "install the package docker-compose-plugin"
    elif at_least "${version#v}" "$COMPOSE_MIN"; then
        found ok compose "Compose $version"
    else
        found bad compose "Compose $version is older than $COMPOSE_MIN" "install a newer docker-compose-plugin"
    fi
}

# replaced NAME: whether Compose would put something else for a $ in the setting's line.
replaced() { grep "^[[:space:]]*$1=" "$ENV_FILE" | tail -n 1 | grep -v "='" | grep -F '$' >/dev/null; }

check_settings() {
    local mode policy
    mode=$(setting TRADING_MODE paper)
    policy=$(setting SESSION_POLICY yield)
    if [ ! -r "$ENV_FILE" ]; then
        found bad settings "there is no $ENV_FILE" "make secrets; without an account: make up-sim"
    elif [ -z "$(setting IB_USERNAME)" ]; then
        found bad settings "IB_USERNAME is empty in $ENV_FILE" "write your IBKR user name there, or run make secrets"
    elif [ "$mode" != paper ] && [ "$mode" != live ]; then
        found bad settings "TRADING_MODE is '$mode'" "set it to paper or live in $ENV_FILE"
    elif [ "$policy" != yield ] && [ "$policy" != insist ]; then
        found bad settings "SESSION_POLICY is '$policy'" "set it to yield or insist in $ENV_FILE"
    elif replaced IB_PASSWORD || replaced VNC_PASSWORD; then
        found bad settings "a password in $ENV_FILE has a \$, which Compose takes for the name of a setting" \
            "make secrets moves it into a file; or put it between single quotes"
    else
        found ok settings "$ENV_FILE, trading mode $mode"
    fi
}

known_names() {
    sed -n 's/^#\{0,1\}\([A-Z][A-Z0-9_]*\)=.*/\1/p' .env.example
    cat docker-compose*.yml 2>/dev/null | grep -o '[$]{[A-Z][A-Z0-9_]*' | cut -c 3-
}

# nearest NAME: the known name it was probably meant to be; nothing when none is near.
nearest() {
    known_names | sort -u | awk -v a="$1" '
        function least(x, y, z) { return x < y ? (x < z ? x : z) : (y < z ? y : z) }
        {
            n = length(a); m = length($0)
            for (i = 0; i <= n; i++) d[i, 0] = i
            for (j = 0; j <= m; j++) d[0, j] = j
            for (i = 1; i <= n; i++) for (j = 1; j <= m; j++)
                d[i, j] = least(d[i-1, j] + 1, d[i, j-1] + 1, d[i-1, j-1] + (substr(a, i, 1) != substr($0, j, 1)))
            if (best == "" || d[n, m] < best) { best = d[n, m]; name = $0 }
        }
        END { if (best != "" && best <= 3) print name }'
}

check_names() {
    local name unknown='' meant
    [ -r "$ENV_FILE" ] || { found look names "there is no $ENV_FILE yet" "make secrets makes it" && return; }
    for name in $(env_names "$ENV_FILE"); do
        case $name in COMPOSE_* | DOCKER_* | BUILDKIT_*) continue ;; esac
        if ! known_names | grep -x "$name" >/dev/null; then
            meant=$(nearest "$name")
            unknown="$unknown $name${meant:+ (meant: $meant?)}"
        fi
    done
    if [ -n "$unknown" ]; then
        found bad names "unknown in $ENV_FILE:$unknown" "correct or remove it; known names: .env.example"
    else
        found ok names "every name in $ENV_FILE is known"
    fi
}

check_configuration() {
    local error
    if error=$(compose config --quiet 2>&1); then
        found ok configuration "docker compose config accepts it"
    else
        found bad configuration "docker compose config refuses it: $(printf '%s' "$error" | tail -n 1 | tr '|' '/')" \
            "correct $ENV_FILE"
    fi
}

check_vnc_password() {
    local file problem
    file=$(setting VNC_PASSWORD_FILE)
    if [ -n "$(setting VNC_PASSWORD)" ] && [ -n "$file" ]; then
        problem="both VNC_PASSWORD and VNC_PASSWORD_FILE are set"
    elif [ -z "$file" ]; then
        problem=$(vnc_problem "$(setting VNC_PASSWORD)")
    elif [ -r "$file" ]; then
        problem=$(vnc_problem "$(cat "$file")")
    elif [ ! -e "$file" ]; then
        problem="$file is missing"
    elif [ "$(wc -c 2>/dev/null <"$file" || stat -c %s "$file" 2>/dev/null || stat -f %z "$file")" -lt "$VNC_LENGTH" ]; then
        problem="it is shorter than $VNC_LENGTH characters"
    fi
    if [ -n "${problem:-}" ]; then
        found bad "VNC password" "${problem//|//}" "make secrets ROTATE=vnc"
    else
        found ok "VNC password" "acceptable"
    fi
}

listens() { (exec 3<>"/dev/tcp/$LOCAL/$1") 2>/dev/null; }

check_ports() {
    local name port taken='' who free=''
    for name in VNC_WEB_PORT:6080 API_PORT:4001 STATUS_PORT:8080; do
        port=$(setting "${name%:*}" "${name#*:}")
        free="$free $port"
        listens "$port" || continue
        who=$(docker ps --filter "publish=$port" --format '{{.Label "com.docker.compose.project"}}/{{.Names}}' 2>/dev/null | head -n 1)
        [ "${who%%/*}" != "$(project)" ] || continue
        taken="$taken $port (${who:+by container ${who#*/}; }${name%:*})"
    done
    if [ -n "$taken" ]; then
        found bad ports "in use by something else:$taken" "stop that, or set the name in brackets to a free port in $ENV_FILE"
    else
        found ok ports "free, or ours:$free"
    fi
}

seconds_of() { date -u -d "$1" +%s 2>/dev/null; }

check_clock() {
    local text engine outside drift=0 compared='the engine'
    text=$(limited 10 docker info --format '{{.SystemTime}}' 2>/dev/null || true)
    if engine=$(seconds_of "${text:-?}"); then drift=$(($(date -u +%s) - engine)); else compared='nothing'; fi
    if outside=$(seconds_of "$(time_outside)"); then
        compared="$compared and $TIME_HOST"
        engine=$(($(date -u +%s) - outside))
        if [ "${engine#-}" -gt "${drift#-}" ]; then drift=$engine; fi
    fi
    if [ "${drift#-}" -gt "$DRIFT_SECONDS_MAX" ]; then
        found bad clock "off by ${drift#-} s (compared with $compared)" "switch on time synchronisation: timedatectl set-ntp true"
    elif [ "$compared" = nothing ]; then
        found look clock "could be compared with nothing" "see that time synchronisation is on: timedatectl"
    else
        found ok clock "off by at most ${drift#-} s (compared with $compared)"
    fi
}

TIME_HOST=${DOCTOR_TIME_HOST-example.com}

# time_outside: the Date header of a well-known host; `?` when it cannot be had within three seconds.
time_outside() {
    local answer='' port=${DOCTOR_TIME_PORT:-80}
    if [ -n "$TIME_HOST" ] && command -v timeout >/dev/null; then
        # shellcheck disable=SC2016  # expanded by the inner shell
        answer=$(timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/$1" && printf "HEAD / HTTP/1.0\r\nHost: $0\r\n\r\n" >&3 && cat <&3' \
            "$TIME_HOST" "$port" 2>/dev/null | tr -d '\r' | sed -n 's/^[Dd]ate: //p' | head -n 1 || true)
    fi
    printf '%s\n' "${answer:-?}"
}

check_disk() {
    local place free least='' where=''
    for place in . "$(docker info --format '{{.DockerRootDir}}' 2>/dev/null || true)"; do
        free=$(df -Pk "$place" 2>/dev/null | awk 'NR == 2 { print int($4 / 1048576) }')
        if [ -n "$free" ] && { [ -z "$least" ] || [ "$free" -lt "$least" ]; }; then least=$free where=$place; fi
    done
    if [ "${least:-0}" -lt "$DISK_GB_MIN" ]; then
        found bad disk "${least:-0} GB free at ${where:-the disk}, $DISK_GB_MIN are needed" "docker system prune, or a larger disk: a full disk stops trading"
    else
        found ok disk "$least GB free"
    fi
}

check_memory() {
    local bytes
    bytes=$(docker info --format '{{.MemTotal}}' 2>/dev/null || echo 0)
    if [ "$((${bytes:-0} / 1000000))" -lt "$MEMORY_MB_MIN" ]; then
        found look memory "$((${bytes:-0} / 1000000)) MB; the gateway alone takes about 1000" "a machine with at least $MEMORY_MB_MIN MB"
    else
        found ok memory "$((bytes / 1000000)) MB"
    fi
}

check_volumes() {
    local names
    names=$(docker volume ls --quiet --filter "label=com.docker.compose.project=$(project)" 2>/dev/null | tr '\n' ' ')
    if [ -n "$names" ]; then
        found ok volumes "${names% }"
    else
        found look volumes "none yet: this stack was never started, or its data was removed" "the first make up makes them; to bring data back: make restore FILE=..."
    fi
}

# A Redis that may not carry out what stands in its own file says so in its log, and forgets it.
check_journal() {
    local id
    id=$(container redis 2>/dev/null)
    if [ -z "$id" ]; then
        found ok journal "Redis is down"
    elif docker logs "$id" 2>&1 | grep -F 'AOF-loading-client' >/dev/null; then
        found bad journal "Redis left out writes when it read its file (docker logs $id)" \
            "make halt, and do not go on with this journal: make down, then make restore FILE=..."
    else
        found ok journal "read as a whole"
    fi
}

check_backup() {
    local newest old
    newest=$(find backups -name '*.tar.gz' 2>/dev/null | sort | tail -n 1)
    old=$(find backups -name '*.tar.gz' -mtime "-$BACKUP_DAYS_MAX" 2>/dev/null | head -n 1)
    if [ -z "$newest" ]; then
        found look backup "there is none" "make backup"
    elif [ -z "$old" ]; then
        found look backup "the last one is older than $BACKUP_DAYS_MAX days: $newest" "make backup"
    else
        found ok backup "$newest"
    fi
}
