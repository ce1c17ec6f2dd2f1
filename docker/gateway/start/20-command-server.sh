#!/bin/bash
# Lets the login automator take commands (log out, restart) from inside this container and from nowhere else; the image
# has no variable for it, but its start scripts run before it fills in this template.
set -u

port=${COMMAND_SERVER_PORT:-7462}
template=${IBC_INI_TMPL:-$HOME/ibc/config.ini.tmpl}

if [ ! -w "$template" ]; then
    echo ".> command server: there is no $template to set it in; no tidy log-out in this image"
    exit 0
fi
sed -i -E -e "s/^CommandServerPort=.*/CommandServerPort=$port/" \
    -e 's/^BindAddress=.*/BindAddress=127.0.0.1/' -e 's/^ControlFrom=.*/ControlFrom=/' "$template"
if grep -q "^CommandServerPort=$port\$" "$template"; then
    echo ".> command server: listens on 127.0.0.1:$port of this container"
else
    echo ".> command server: $template has no CommandServerPort; no tidy log-out in this image"
fi
