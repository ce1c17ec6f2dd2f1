#!/bin/bash
# Whether the gateway in this container can serve API clients: one line of JSON, exit code 0 (ready) or 1.
#
#   gateway.sh [PORT [PROC [SECONDS]]]    PORT: the relay's; without it 4003 with TRADING_MODE=live, else 4004
#                                         PROC: where processes are seen, /proc
#                                         SECONDS: for the whole handshake, 0.2
#
# `python -m healthcheck gateway` in the same words, for an image with bash and nothing else: builtins only. And it says
# when the start hook of SESSION_POLICY=yield pauses before the login, which only the file of that hook tells.
# Not ready before the container has been up for GATEWAY_START_SECONDS (60). The handshake is the real one and stops
# before startApi, so no client id is used.

LC_ALL=C # bytes, not characters
host=127.0.0.1
port=4004
[[ ${TRADING_MODE-} == live ]] && port=4003
port=${1:-$port}
proc=${2:-/proc}
least=${GATEWAY_START_SECONDS:-60}
limit=${3:-0.2}
bytes_max=65536

if [[ ! $port =~ ^[0-9]+$ || ! $least =~ ^[0-9]+$ ]]; then
  echo "gateway.sh: the port and GATEWAY_START_SECONDS must be whole numbers" >&2
  exit 1
fi
if [[ ! $limit =~ ^[0-9]+(\.[0-9]+)?$ ]]; then
  echo "gateway.sh: the seconds for the handshake must be a number, such as 0.2" >&2
  exit 1
fi
least=$((10#$least)) # 060 is sixty

# One read from the gateway into `piece`: up to a NUL, which bash cannot hold, or $1 bytes.
next() {
  IFS= read -r -d '' -n "$1" -t 1 -u 3 piece && return
  (($? > 128)) && found=silent || found=closed
  return 1
}

# Sets `found`, and `version` when the gateway answered.
shake_hands() {
  local piece code length=0 got=0
  found=refused
  { exec 3<>"/dev/tcp/$host/$port"; } || return
  printf 'API\0\0\0\0\011v157..178' >&3
  for _ in 1 2 3 4; do
    next 1 || return
    printf -v code %d "'$piece" # 0 for a NUL
    ((length = length << 8 | code))
  done
  found=wrong
  ((length > 0 && length <= bytes_max)) || return
  while ((got < length)); do
    next $((length - got)) || return
    ((got == 0)) && version=$piece
    ((got += ${#piece}))
    ((got += got < length)) # the NUL that ended it
  done
  found=wrong
  [[ $version =~ ^[0-9]+$ ]] && found=answered
}

# In a process of its own, which can be ended also while it connects.
ask() {
  shake_hands
  echo "$found $version"
}

# Sets `up`: how long process 1 has run, in seconds. Start times are in ticks, of which Linux shows 100 a second.
measure_age() {
  local now stat
  read -r now _ <"$proc/uptime"
  read -r stat <"$proc/1/stat"
  read -ra stat <<<"${stat##*) }"
  up=$((${now%.*} - stat[19] / 100))
}

# Whether the login program runs and the gateway itself does not: it was started, or started anew, just now.
between_starts() {
  local file name login=1
  for file in "$proc"/[0-9]*/comm; do
    read -r name <"$file" || continue
    [[ $name == java ]] && return 1
    [[ $name == ibcstart.sh ]] && login=0
  done
  return $login
}

# Sets `since` and `until` when the gateway has stepped back for another login and pauses.
read_pause() {
  local name value now began=0 ends=0
  printf -v now '%(%s)T' -1
  while IFS='=' read -r name value; do
    [[ $value =~ ^[0-9]{1,12}$ ]] || continue
    [[ $name == since ]] && began=$((10#$value))
    [[ $name == until ]] && ends=$((10#$value))
  done <"${TWS_SETTINGS_PATH-$HOME}/session-policy"
  ((ends > now)) || return
  printf -v since '%(%H:%M)T' "$began"
  printf -v until '%(%H:%M %Z)T' "$ends"
}

since='' until=''
{
  read_pause
  exec {answer}< <(ask)
  asked=$!
  read -r -t "$limit" -u "$answer" found version || found=silent
  kill "$asked"
  wait "$asked"
  measure_age
} 2>/dev/null

status=awaiting_login ready=false ok=false
words="waiting for second factor"
advice="Approve the login on your phone (IB Key), or log in by hand in the gateway window."
case $found in
  answered)
    status=ready words=ready ready=true ok=true
    reason="The gateway answers API clients." advice=""
    detail="$host:$port speaks TWS API server version $version"
    ;;
  silent)
    reason="The port is open but the gateway does not answer: nobody is logged in yet."
    detail="$host:$port accepts or drops connections and does not answer"
    ;;
  closed)
    reason="The port is open but closes every connection: the gateway behind it is not up or not logged in."
    detail="$host:$port closed the connection at once"
    ;;
  refused)
    status=down words=down
    reason="Nothing accepts connections there." advice="Start the gateway, or wait until it is up."
    detail="$host:$port: Connection refused"
    ;;
  *)
    status=down words=down
    reason="Something else answers on this port." advice="Check the host and the port of the gateway."
    detail="$host:$port is not a TWS API server"
    ;;
esac

if [[ $until && $status != ready ]]; then
  status=contended words="somebody else is logged in"
  reason="The gateway stepped back at $since because its user name may be logged in elsewhere; it tries again at $until."
  advice="Log out elsewhere. The gateway tries again at $until; \`make restart-gateway\` tries now."
fi

started=true start="$up s of at least $least s have passed"
if ((up < least)); then
  started=false
elif [[ $status == awaiting_login ]] && between_starts 2>/dev/null; then
  started=false start="the login program has not started the gateway yet"
fi
if [[ $started == false && ! ($until && $status == contended) ]]; then
  status=starting words=starting ready=false
  reason="The gateway is still starting." advice="Wait; if your phone asks meanwhile, approve the login."
fi

printf '{"status": "%s", "words": "%s", "ready": %s, "reason": "%s", "advice": "%s", "checks": [%s, %s]}\n' \
  "$status" "$words" "$ready" "$reason" "$advice" \
  "{\"name\": \"gateway\", \"ok\": $ok, \"reason\": \"$detail\"}" \
  "{\"name\": \"start\", \"ok\": $started, \"reason\": \"$start\"}"
[[ $ready == true ]]
