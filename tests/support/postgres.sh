# A PostgreSQL server of one test program's own, which lives no longer than its standard input.
# Reads "start" and "stop"; answers each with one line on standard output: "ready DIRECTORY", "stopped", or
# "failed REASON". At the end of its input, however that came about, it stops the server and removes every file.
# POSTGRES_SETTINGS are options of the server in place of those for tests, which give safety up for speed.
set -u
# Debian keeps the server's programs out of the search path.
for directory in /usr/lib/postgresql/*/bin; do PATH="$directory:$PATH"; done
directory=$(mktemp -d /tmp/samvad-postgres.XXXXXX)
server=

fail() {
    echo "failed $1"
    [ -z "$server" ] || kill -QUIT "$server"
    rm -rf "$directory"
    exit 1
}

start() {
    # The socket's directory is the data directory's: no port is taken, and nobody else may enter.
    # shellcheck disable=SC2086 # settings are words
    postgres -D "$directory/data" -k "$directory" -c listen_addresses= -c logging_collector=off \
        ${POSTGRES_SETTINGS:--c max_connections=400 -c fsync=off -c full_page_writes=off -c shared_buffers=64MB} \
        >>"$directory/log" 2>&1 </dev/null &
    server=$!
    until psql -h "$directory" -U samvad -d postgres -qtc 'SELECT 1' >/dev/null 2>&1; do
        kill -0 "$server" 2>/dev/null || fail "the server did not start: $(tail -n 1 "$directory/log")"
        sleep 0.05
    done
    echo "ready $directory"
}

stop() {
    [ -z "$server" ] && return
    kill -QUIT "$server"
    wait "$server"
    server=
}

for program in initdb postgres psql; do
    command -v "$program" >/dev/null || fail "$program is missing: run tools/setup test"
done
initdb -D "$directory/data" -U samvad -A trust -E UTF8 --locale=C -N >"$directory/log" 2>&1 ||
    fail "initdb: $(tail -n 1 "$directory/log")"
while read -r command; do
    case $command in
    start) start ;;
    stop)
        stop
        echo stopped
        ;;
    esac
done
stop
rm -rf "$directory"
