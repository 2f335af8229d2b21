# Shared by the set-up scripts: where things are, and how a step is shown. Sourced, never run.
# shellcheck shell=bash

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
: "${HOME:=$(getent passwd "$(id -u)" | cut -d: -f6)}"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/nexusvibe
export HOME

# Programs in sbin are found for ordinary users too, whose PATH leaves it out on Debian.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

say() { printf '%s\n' "$*"; }

die() {
    printf '\n%s\n' "$*" >&2
    exit 1
}

# step "what happens" command …: one line for people; what the command prints is kept and shown only if it fails.
step() {
    local what=$1 log="$cache/logs/${0##*/}.log" started=$SECONDS
    shift
    mkdir -p "${log%/*}"
    printf '  %s … ' "$what"
    if "$@" >"$log" 2>&1 </dev/null; then
        printf 'done (%s s)\n' $((SECONDS - started))
    else
        printf 'failed\n\n' >&2
        tail -n 40 "$log" >&2
        die "That was: $what. All of its output is in $log"
    fi
}

# progress "what happens" command …: like step, for what takes minutes. Of what the command prints, ninja's `[3/260] …`
# becomes a percentage: rewritten in a terminal, told at each tenth elsewhere.
progress() {
    local what=$1 log="$cache/logs/${0##*/}.log" started=$SECONDS
    shift
    mkdir -p "${log%/*}"
    printf '  %s … ' "$what"
    if "$@" 2>&1 </dev/null | tee "$log" | show_share "$what"; then
        printf 'done (%s s)\n' $((SECONDS - started))
    else
        printf 'failed\n\n' >&2
        tail -n 40 "$log" >&2
        die "That was: $what. All of its output is in $log"
    fi
}

show_share() {
    local line share told=0
    while IFS= read -r line; do
        [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]] || continue
        share=$((100 * BASH_REMATCH[1] / BASH_REMATCH[2]))
        if [ -t 1 ]; then
            printf '\r  %s … %s %% ' "$1" "$share"
        elif ((share / 10 > told)); then
            told=$((share / 10))
            printf '%s %% ' "$share"
        fi
    done
}

# python3 of 3.11 or newer: the one on PATH if it is new enough, else a versioned one.
find_python() {
    local name
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            "$name" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    die "NexusVibe needs Python 3.11 or newer; python3 here is $(python3 --version 2>&1 || true)." \
        "On Debian 12 or newer: apt-get install python3"
}

# A uv that can read our lock file: from PATH, else the one that infra/setup/python-env puts into the cache.
find_uv() {
    local candidate
    for candidate in uv "$cache/uv/bin/uv"; do
        if "$candidate" --version 2>/dev/null | awk '{ split($2, v, "."); exit !(v[1] > 0 || v[2] >= 9) }'; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}
