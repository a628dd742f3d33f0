#!/usr/bin/env bash
# A private PostgreSQL with PostGIS for as long as one command runs; nothing of it stays behind.
#
#   tests/postgres.sh cargo nextest run -p jmap-postgres   runs the command with the private server
#   tests/postgres.sh bash                                 a shell to look around in
#   tests/postgres.sh --unflushed tests/run                the command with a server that leaves flushing to the system
#   tests/postgres.sh --install                            only installs the server, if there is none (Debian)
#
# The command finds the server by DATABASE_URL, as its superuser, and initdb, psql and pgbench of the same version in
# its PATH. Databases made there have the extension PostGIS.
set -euo pipefail

OLDEST_VERSION=14
# What the server runs with beyond PostgreSQL's defaults. Its disk is flushed as in production, for the benchmarks.
SETTINGS=(-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=300 -c shared_buffers=512MB)

say() { printf '==> %s\n' "$*" >&2; }

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        # -n: there may be nobody to type a password.
        sudo -n "$@"
    fi
}

# PostgreSQL refuses to run as root, so root runs it as somebody else.
owner() {
    if [ "$(id -u)" -ne 0 ]; then
        id -un
    elif id -u postgres >/dev/null 2>&1; then
        echo postgres
    else
        echo nobody
    fi
}

as_owner() {
    if [ "$(id -un)" = "$OWNER" ]; then
        "$@"
    else
        runuser -u "$OWNER" -- "$@"
    fi
}

# The programs of the newest PostgreSQL that is new enough and has PostGIS. Fails where there is none.
find_programs() {
    local folder version share
    while read -r folder; do
        version=$("$folder/initdb" --version | grep -o '[0-9]\+' | head -n 1)
        share=$(as_owner "$folder/initdb" --show -D / 2>&1 | sed -n 's/^share_path=//p')
        if [ "$version" -ge "$OLDEST_VERSION" ] && [ -e "$share/extension/postgis.control" ]; then
            echo "$folder"
            return
        fi
    done < <(candidates)
    return 1
}

# Folders with an initdb, the newest of Debian's first.
candidates() {
    local folder
    for folder in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV) \
        "$(dirname "$(command -v initdb || echo /)")" "$(pg_config --bindir 2>/dev/null || echo /)"; do
        if [ -x "$folder/initdb" ]; then echo "$folder"; fi
    done
}

# Sets OWNER and PROGRAMS, after an installation if need be.
ensure_server() {
    [ "$(uname)" = Linux ] || no_server "this is not Linux"
    OWNER=$(owner)
    if ! PROGRAMS=$(find_programs); then
        install_server
        # The installation may have made the user.
        OWNER=$(owner)
        PROGRAMS=$(find_programs) || no_server "there is no PostgreSQL with PostGIS after the installation"
    fi
}

install_server() {
    local before
    command -v apt-get >/dev/null || no_server "this is not Debian"
    say "installing PostgreSQL and PostGIS (apt: postgresql-postgis)"
    before=$(debian_clusters)
    apt_get update || say "could not refresh apt's lists: trying with the old ones"
    apt_get install -y --no-install-recommends postgresql-postgis || no_server "apt-get could not install it"
    drop_new_clusters "$before"
}

apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" </dev/null >/dev/null
}

debian_clusters() { printf '%s\n' /etc/postgresql/*/*/; }

# Debian makes and starts a cluster when it installs the server. Nobody asked for that one.
drop_new_clusters() {
    local before=$1 cluster
    while read -r cluster; do
        if [ -d "$cluster" ] && ! grep -qxF "$cluster" <<<"$before"; then
            say "removing the empty cluster that the installation made in $cluster"
            as_root pg_dropcluster --stop "$(basename "$(dirname "$cluster")")" "$(basename "$cluster")"
        fi
    done < <(debian_clusters)
}

no_server() {
    fail "$1. Install PostgreSQL $OLDEST_VERSION or newer with PostGIS, so that initdb is in the PATH, or name a" \
        "server by DATABASE_URL=postgres://user:password@host:port/database; the user must be a superuser"
}

make_cluster() {
    say "making a private PostgreSQL ($("$PROGRAMS/postgres" --version)) in $FOLDER"
    PASSWORD=$(od -An -N 16 -t x1 /dev/urandom | tr -d ' \n')
    as_owner tee "$FOLDER/password" <<<"$PASSWORD" >/dev/null
    as_owner "$PROGRAMS/initdb" -D "$FOLDER/data" -U postgres --auth=scram-sha-256 --pwfile="$FOLDER/password" \
        --encoding=UTF8 --locale=C.UTF-8 --no-sync >"$FOLDER/initdb.log" 2>&1 ||
        fail "initdb: $(tail -n 5 "$FOLDER/initdb.log")"
}

# Starting tells whether a port is free; below 32768 the kernel hands none out for outgoing connections.
start_cluster() {
    local try
    for try in 1 2 3 4 5 6 7 8; do
        PORT=$((20000 + RANDOM % 12000))
        if as_owner "$PROGRAMS/pg_ctl" start -w -s -D "$FOLDER/data" -l "$FOLDER/log" \
            -o "-p $PORT ${SETTINGS[*]}" </dev/null >/dev/null 2>&1; then
            PGPASSWORD=$PASSWORD "$PROGRAMS/psql" --quiet --no-psqlrc -h 127.0.0.1 -p "$PORT" -U postgres template1 \
                -c 'create extension postgis'
            return
        fi
        grep -q 'Address already in use' "$FOLDER/log" || break
        say "port $PORT is taken (try $try)"
    done
    fail "PostgreSQL does not start: $(tail -n 5 "$FOLDER/log")"
}

# Clears up when this script has ended, however it ended: kill -9 too. The keeper is told by the end of its input,
# which this script alone holds open, and lives in a session of its own, where Ctrl-C does not reach it.
start_keeper() {
    coproc KEEPER { exec setsid --wait "${BASH_SOURCE[0]}" --keep "$PROGRAMS" "$FOLDER"; }
    trap finish EXIT
}

finish() {
    # Bash forgets it once it has ended.
    local keeper=$KEEPER_PID
    say "removing the private PostgreSQL"
    exec {KEEPER[1]}>&-
    wait "$keeper" || say "could not remove $FOLDER"
}

keep() {
    local programs=$1 folder=$2
    cat
    if [ -e "$folder/data/postmaster.pid" ]; then
        as_owner "$programs/pg_ctl" stop -s -m immediate -D "$folder/data" || true
    fi
    rm -rf "$folder"
}

if [ "${1:-}" = --unflushed ]; then
    # Tests kill processes, never the machine, and hundreds of databases wait long for a disk.
    SETTINGS+=(-c fsync=off)
    shift
fi
case ${1:-} in
    --install)
        ensure_server
        exit
        ;;
    --keep)
        OWNER=$(owner)
        keep "$2" "$3"
        exit
        ;;
    '' | -*) fail "say which command to run with a private PostgreSQL, or --install" ;;
esac
ensure_server
FOLDER=$(as_owner mktemp -d /tmp/jmap-postgres.XXXXXX)
start_keeper
make_cluster
start_cluster
export DATABASE_URL="postgres://postgres:$PASSWORD@127.0.0.1:$PORT/postgres" PATH="$PROGRAMS:$PATH"
say "it listens at 127.0.0.1:$PORT"
status=0
"$@" || status=$?
exit "$status"
