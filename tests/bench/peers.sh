#!/usr/bin/env bash
# Installs the servers that `bench peers` measures beside ours: pygeoapi into target/tools/peers (PyPI), and MapServer
# with lighttpd in front (Debian). Nothing of it is committed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

FOLDER=target/tools/peers
PACKAGES=(pygeoapi==0.21.0 gunicorn==27.0.1 psycopg2-binary==2.9.13 geoalchemy2)

say() { printf '==> %s\n' "$*" >&2; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        # -n: there may be nobody to type a password.
        sudo -n "$@"
    fi
}

if [ ! -x "$FOLDER/bin/gunicorn" ]; then
    say "installing pygeoapi from PyPI"
    python3 -m venv "$FOLDER"
    "$FOLDER/bin/pip" install --quiet "${PACKAGES[@]}"
fi
if [ ! -x /usr/lib/cgi-bin/mapserv ] || ! command -v lighttpd >/dev/null; then
    say "installing cgi-mapserver and lighttpd (apt)"
    as_root apt-get -qq update </dev/null || say "could not refresh apt's lists: trying with the old ones"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
        cgi-mapserver lighttpd </dev/null >/dev/null
fi
