#!/bin/bash
# First start of a PostgreSQL server: what the official image's entrypoint does for the variables
# POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB and PGDATA, and nothing more. Never runs as root.
set -eu
if [ "${1:-}" != postgres ]; then exec "$@"; fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  : "${POSTGRES_PASSWORD:?POSTGRES_PASSWORD must be set for the first start}"
  user=${POSTGRES_USER:-postgres}
  mkdir -p "$PGDATA"
  chmod 700 "$PGDATA"
  initdb --username="$user" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") \
    --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  database=${POSTGRES_DB:-$user}
  if [ "$database" != postgres ]; then
    printf 'CREATE DATABASE "%s";\n' "${database//\"/\"\"}" |
      postgres --single -j -c listen_addresses= postgres >/dev/null
  fi
fi
exec "$@"
