#!/usr/bin/env bash
# Proves the image, the compose files and the tests against containers on a machine that can pull no image:
# docs/containers.md says what that proves. Needs root on Debian, and the registries of Debian, npm and Maven.
#
#   bash test/containers/prove.sh [DIRECTORY]   what it makes is kept there, so that a second run is faster
#
# It starts a Docker engine of its own. A running engine is left alone, and nothing is left but DIRECTORY. Exit
# code 77 where no engine can be started.
set -euo pipefail
cd "$(dirname "$0")/../.."
. test/containers/engine.sh
. test/containers/stand-ins.sh
kept=${1:-}
if [ -n "$kept" ]; then mkdir -p "$kept"; else kept_nowhere=$(mktemp -d); fi
work=$(realpath "${kept_nowhere:-$kept}")

began=$SECONDS
say() { printf '== %4d s  %s\n' $((SECONDS - began)) "$*"; }
clean_up() {
  code=$?
  if [ -n "$engine_pid" ]; then
    docker compose down --volumes --timeout 20 > /dev/null 2>&1 || true
    docker compose -f "$work/servers.yml" down --volumes --timeout 20 > /dev/null 2>&1 || true
  fi
  stop_engine
  rm -rf "$work"/{config,exec,local,here.yml,servers.yml}
  [ -z "${kept_nowhere:-}" ] || rm -rf "$kept_nowhere"
  exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

start_engine "$work" || { echo "No Docker engine can be started here: $engine_problem"; exit 77; }
say "Docker $(docker info --format '{{.ServerVersion}}, storage {{.Driver}}')"

# Compose 2, as people have it, and what this machine needs besides the files of the repository: a network in
# which packages can be fetched, and fewer open files where it allows no more.
mkdir -p "$work/config/cli-plugins"
ln -sf "$(bash test/containers/compose.sh)" "$work/config/cli-plugins/docker-compose"
export DOCKER_CONFIG=$work/config DOCKER_BUILDKIT=0
export COMPOSE_PROJECT_NAME=usage-proof COMPOSE_FILE=docker-compose.yml:$work/here.yml
files=$(ulimit -Hn)
files=$((files < 262144 ? files : 262144))
cat > "$work/here.yml" << END
services:
  keys: { build: { network: host } }
  clickhouse: { ulimits: { nofile: { soft: $files, hard: $files } } }
END
sed "s/262144/$files/g" docker-compose.servers.yml > "$work/servers.yml"
docker compose version

say "Stand-ins for the images of Node, Kafka and ClickHouse"
make_stand_ins "$work"

first_run() {
  local from=$SECONDS
  docker compose up --build --detach > "$work/up.log" 2>&1 || { tail -5 "$work/up.log"; return 1; }
  docker compose logs --follow summary
  [ "$(docker inspect --format '{{.State.ExitCode}}' usage-proof-summary-1)" = 0 ] ||
    { docker compose logs --tail 30; echo "The first run has failed."; return 1; }
  say "docker compose up: $((SECONDS - from)) s to the summary"
}
say "The image, from its Dockerfile"
docker compose build > "$work/build.log" 2>&1 || { tail -20 "$work/build.log"; exit 1; }
say "Sizes: $(docker image ls --format '{{.Repository}}:{{.Tag}} {{.Size}};' | sort | tr '\n' ' ')"
first_run
docker compose run --rm usagectl status
docker compose run --rm usagectl audit
docker compose run --rm usagectl token > /dev/null
docker compose cp usage-api:/var/lib/usage/tls/ca.pem "$work/ca.pem"
curl -sf --cacert "$work/ca.pem" https://127.0.0.1:8080/health/ready && echo
password=$(docker compose exec commerce cat /var/lib/usage/commerce-token)
curl -sf --user "x:$password" http://127.0.0.1:8081/portal > /dev/null
password=$(docker compose exec commerce cat /var/lib/usage/clickhouse-password)
curl -sf --user "usage:$password" http://127.0.0.1:8123 --data 'SELECT version()'

say "Nobody is root, no file can be written, and SIGTERM ends each service in order"
for service in aggregator bridge usage-api commerce providers; do
  container=usage-proof-$service-1
  [ "$(docker exec "$container" id -u)" = 1000 ]
  ! docker exec "$container" touch /app/x 2> /dev/null
  from=$(date +%s%3N)
  docker stop --time 20 "$container" > /dev/null
  code=$(docker inspect --format '{{.State.ExitCode}}' "$container")
  echo "$service ended in $(($(date +%s%3N) - from)) ms with exit code $code"
  [ "$code" = 0 ]
done

say "A second start adds nothing"
docker compose down
first_run
docker compose logs history | grep 'already imported'
docker compose down --volumes

say "The servers alone"
export CLICKHOUSE_PASSWORD=choose-one
docker compose -f "$work/servers.yml" up --wait
(
  export KAFKA_BROKERS=127.0.0.1:9092 CLICKHOUSE_URL=http://127.0.0.1:8123 CLICKHOUSE_USER=usage
  USAGE_LOCAL_DIR=$work/local PORT_BASE=0 npm start -- --exit-when-done
)
docker compose -f "$work/servers.yml" down --volumes
unset CLICKHOUSE_PASSWORD

say "The integration tests against containers"
TESTCONTAINERS_RYUK_DISABLED=true npm run -s test:containers -- ${CONTAINER_TESTS:-test/integration/sources.test.ts}
say "Done"
