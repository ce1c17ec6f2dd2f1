#!/bin/sh
# Serve the gateway's window on 6080, unless its password protects nothing.
set -eu

refuse() {
    echo "novnc: the VNC password $1. Set another: make secrets (or VNC_PASSWORD in .env), then make up." >&2
    echo "novnc: at least 8 characters; VNC itself compares only the first 8, so let those be random." >&2
    exit 64
}

password=${VNC_PASSWORD:-}
if [ -n "${VNC_PASSWORD_FILE:-}" ]; then
    [ -z "$password" ] || refuse "is given twice, by VNC_PASSWORD and by VNC_PASSWORD_FILE"
    [ -r "$VNC_PASSWORD_FILE" ] || refuse "cannot be read from its file (it must belong to uid 1000)"
    password=$(cat "$VNC_PASSWORD_FILE")
fi

[ -n "$password" ] || refuse "is empty"
[ "${#password}" -ge 8 ] || refuse "is shorter than 8 characters"
seen=$(printf '%.8s' "$password")
case $(printf '%s' "$seen" | tr '[:upper:]' '[:lower:]') in
password | passw0rd | changeme | changeit | vncpassw | your-vnc | secretse | secret12 | 12345678 | 87654321 | qwertyui | qwerty12 | \
    letmein1 | admin123 | administ | ibgatewa | rebalanc | practice | test1234 | abcdefgh | abcd1234 | iloveyou)
    refuse "begins like one that everybody tries first"
    ;;
esac
case $seen in
*[!"$(printf '%.1s' "$seen")"]*) ;;
*) refuse "begins with one character repeated" ;;
esac
unset password seen VNC_PASSWORD

# Only pages under these addresses may open the window, so no other web site can use your browser to reach it.
pages=
for page in ${NOVNC_PAGES:-}; do
    pages="$pages $(printf '%s' "$page" | sed -E 's,^([a-z]+://[^/]+).*,\1,')"
done
exec python3 -m websockify --web /usr/share/novnc --file-only --heartbeat 30 \
    --auth-plugin ExpectOrigin --auth-source "${pages# }" 0.0.0.0:6080 "${GATEWAY_HOST:-ibkr}:5900"
