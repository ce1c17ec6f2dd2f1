# What makes a VNC password acceptable. Sourced after stack.bash.
# shellcheck shell=bash

VNC_LENGTH=8 # the protocol itself looks at the first eight characters and no more

# vnc_problem PASSWORD: why it is refused; nothing when it is acceptable.
vnc_problem() {
    local seen=${1:0:$VNC_LENGTH}
    if [ -z "$1" ]; then
        say "it is empty"
    elif [ ${#1} -lt "$VNC_LENGTH" ]; then
        say "it is shorter than $VNC_LENGTH characters"
    elif [ -z "${seen//${seen:0:1}/}" ]; then
        say "its first $VNC_LENGTH characters are all the same"
    else
        case $(printf '%s' "$seen" | tr '[:upper:]' '[:lower:]') in
            password | passw0rd | 12345678 | 87654321 | changeme | changeit | vncpassw | your-vnc | qwertyui | rebalanc | ibgatewa)
                say "its first $VNC_LENGTH characters, and VNC looks at no more, are what everybody tries first"
                ;;
        esac
    fi
}
