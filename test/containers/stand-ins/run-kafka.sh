#!/bin/bash
# Runs Kafka as the images of Apache and Confluent do: every variable KAFKA_X_Y is the broker's setting x.y.
set -eu
properties=/tmp/server.properties
env | sed -n 's/^KAFKA_\([A-Z0-9_]*\)=\(.*\)$/\1 \2/p' | while read -r name value; do
  setting=$(echo "$name" | tr 'A-Z_' 'a-z.')
  echo "$setting=$value"
done > "$properties"
log_dir=${KAFKA_LOG_DIRS:-/var/lib/kafka/data}
run=(java -Xms64m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dlog4j2.configurationFile=/opt/kafka/log4j2.properties -cp '/opt/kafka/libs/*')
if [ ! -e "$log_dir/meta.properties" ]; then
  "${run[@]}" kafka.tools.StorageTool format -t "${CLUSTER_ID:-4L6g3nShT-eMCtK--X86sw}" -c "$properties"
fi
exec "${run[@]}" kafka.Kafka "$properties"
