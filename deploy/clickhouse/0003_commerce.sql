-- The bridge's tables. What is composed for an hour is a pure function of the log and of the terms of
-- that hour, so writing it again, late or twice, changes nothing. Read them with FINAL, or through the
-- view commerce_usage (0006_requests.sql).

CREATE TABLE billing_terms
(
    effective_from  DateTime('UTC')        COMMENT 'First reported hour of these terms; they end where the next ones begin. The first terms begin in 1970, so they include all of history',
    reporting       LowCardinality(String) COMMENT 'on, no-registration, not-registered, capacity or disabled: whether usage is sent, and why not',
    plan_id         String                 COMMENT 'The plan that submissions name',
    registration    String                 COMMENT 'The registration as it stood in its file, as JSON; empty where there was none',
    billed_meters   Array(Tuple(meter_id String, dimension String, plan_id String)) COMMENT 'Meters that are sent to Commerce, as the catalog writes them, with the name under which Commerce bills each, and its plan',
    other_meters    Array(Tuple(meter_id String, reason String)) COMMENT 'Meters that are known and not sent, and why: admin, deprecated or local-only',
    infrastructure  Array(String)          COMMENT 'Subscriptions of the infrastructure of the stamp, in lower case: their usage is not sent',
    late            LowCardinality(String) COMMENT 'carried or dead-lettered: what becomes of usage that is older than Commerce accepts',
    digest          FixedString(64)        COMMENT 'SHA-256 of the other columns but effective_from',
    written_at      DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC') COMMENT 'When this row was written; of several that begin at one hour the first one counts'
)
ENGINE = MergeTree
ORDER BY (effective_from, written_at)
COMMENT 'What is billed from which reported hour on. Rows are never changed: composing an hour again gives the same';

CREATE TABLE commerce_submissions
(
    topic         LowCardinality(String) COMMENT 'Kafka topic of the source',
    epoch         UInt32          COMMENT 'Epoch of the topic',
    partition     UInt16          COMMENT 'Partition of the topic',
    reported_hour DateTime('UTC') COMMENT 'The reported hour, which is the effective hour at Commerce',
    submission_id UUID            COMMENT 'UUIDv5 over source partition, hour, resource and dimension',
    resource_uri  String          COMMENT 'Resource, as first written',
    resource_key  String          COMMENT 'resource_uri in lower case: identity',
    subscription_id String        COMMENT 'Subscription of the resource, as first written',
    location      LowCardinality(String) COMMENT 'Location of the resource, as first written',
    dimension     String          COMMENT 'The name under which Commerce bills the meters: by the terms of the hour. An unknown meter stands here as first written',
    dimension_key String          COMMENT 'dimension in lower case: identity',
    meters        Array(String)   COMMENT 'Local meters inside, as the catalog writes them, sorted',
    quantity      Decimal(76, 30) COMMENT 'What is submitted, exact: the aggregates and carries inside',
    usage_months  Map(String, Decimal(76, 30)) COMMENT 'The quantity by the month in which it was used (2026-11, UTC); a carry keeps its months. The parts add up to quantity, and none is zero',
    decision      LowCardinality(String) COMMENT 'Decided when it was composed: send, zero, not-reported (the stamp does not report), credit (below zero, which Commerce does not take), held (unknown meter)',
    reason        LowCardinality(String) COMMENT 'Why it is not sent: zero-quantity, below-zero, unknown-meter, no-registration, not-registered, capacity or disabled; empty where it is',
    plan_id       String          COMMENT 'Plan',
    aggregates    Array(UUID)     COMMENT 'Ids of the aggregates inside',
    carries       Array(UUID)     COMMENT 'Carried submissions whose quantity is inside'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(reported_hour)
ORDER BY (topic, epoch, partition, reported_hour, submission_id)
COMMENT 'What Commerce is told: written before its first send, never changed, resent verbatim. It counts once its composition is in compositions';

CREATE TABLE compositions
(
    topic         LowCardinality(String) COMMENT 'Kafka topic of the source',
    epoch         UInt32          COMMENT 'Epoch of the topic',
    partition     UInt16          COMMENT 'Partition of the topic',
    reported_hour DateTime('UTC') COMMENT 'The closed hour',
    log_partition UInt16          COMMENT 'Partition of the aggregates topic from which it was composed',
    first_offset  UInt64          COMMENT 'Offset there of the first record that is in it',
    marker_offset UInt64          COMMENT 'Offset there of the closed marker',
    digest        String          COMMENT 'Digest of the hour, from its closed marker',
    aggregates    UInt64          COMMENT 'Aggregates of the hour',
    submitted     UInt64          COMMENT 'How many of the aggregates are inside submissions: billable, or of an unknown meter. The others are in unbilled_usage',
    submissions   UInt64          COMMENT 'Rows in commerce_submissions',
    to_send       UInt64          COMMENT 'How many of the submissions go to Commerce',
    carries       Array(UUID)     COMMENT 'Submissions whose carries are inside; a later carry of one of them does not count',
    terms         DateTime('UTC') COMMENT 'effective_from of the billing terms by which it was composed'
)
ENGINE = ReplacingMergeTree
ORDER BY (topic, epoch, partition, reported_hour)
COMMENT 'One row for each closed hour of a source partition, written after its submissions: from then on they count and are sent. Not partitioned, so that several hours are inserted atomically';

CREATE TABLE unbilled_usage
(
    topic           LowCardinality(String) COMMENT 'Kafka topic of the source',
    epoch           UInt32          COMMENT 'Epoch of the topic',
    partition       UInt16          COMMENT 'Partition of the topic',
    reported_hour   DateTime('UTC') COMMENT 'The reported hour',
    reason          LowCardinality(String) COMMENT 'source-not-billable, infrastructure (its subscription), admin, deprecated or local-only (its meter)',
    meter_key       String          COMMENT 'Meter, in lower case',
    subscription_key String         COMMENT 'Subscription, in lower case',
    quantity        Decimal(76, 30) COMMENT 'Total of the aggregates, exact',
    aggregates      Array(UUID)     COMMENT 'Ids of the aggregates'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(reported_hour)
ORDER BY (topic, epoch, partition, reported_hour, reason, meter_key, subscription_key)
COMMENT 'Aggregates that are in no submission, and why. A row counts once its composition is in compositions';

CREATE TABLE commerce_outcomes
(
    topic             LowCardinality(String) COMMENT 'Kafka topic of the source',
    epoch             UInt32          COMMENT 'Epoch of the topic',
    partition         UInt16          COMMENT 'Partition of the topic',
    reported_hour     DateTime('UTC') COMMENT 'The reported hour',
    submission_id     UUID            COMMENT 'A submission that was to be sent',
    outcome           LowCardinality(String) COMMENT 'accepted; duplicate (it had been accepted, as the same double); mismatch (Commerce holds another quantity: an alarm); carried; dead-lettered. All are final',
    accepted_quantity Nullable(Decimal(76, 30)) COMMENT 'What Commerce holds: a double, as its shortest decimal text. What was submitted is accepted where its double is the same',
    usage_event_id    String          COMMENT 'The id that Commerce gave it',
    code              String          COMMENT 'Why it was not accepted',
    message           String          COMMENT 'The same for people',
    rank              UInt8           COMMENT 'If two bridges recorded different outcomes, the one with the highest rank counts',
    at                DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When it was recorded'
)
ENGINE = ReplacingMergeTree(rank)
PARTITION BY toYYYYMM(reported_hour)
ORDER BY (topic, epoch, partition, reported_hour, submission_id)
COMMENT 'What became of each submission that was to be sent; a submission without a row is not sent yet';

CREATE TABLE carry_moves
(
    topic         LowCardinality(String) COMMENT 'Kafka topic of the source in which the carry waited',
    epoch         UInt32          COMMENT 'Epoch of the topic',
    partition     UInt16          COMMENT 'Partition of the topic',
    submission_id UUID            COMMENT 'The carried submission',
    moves         UInt16          COMMENT 'How often its carry had been moved before',
    to_topic      LowCardinality(String) COMMENT 'Kafka topic of the source that composes it now',
    to_epoch      UInt32          COMMENT 'Epoch of that topic',
    to_partition  UInt16          COMMENT 'Partition of that topic',
    log_partition UInt16          COMMENT 'Partition of the aggregates topic on which it waited',
    at            DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When it was noted: the carry is in the log of its new place right after it, or after the next start of a bridge'
)
ENGINE = ReplacingMergeTree
ORDER BY (topic, epoch, partition, submission_id, moves)
COMMENT 'Carries that went on to another source partition, because theirs had ended or served the resource no more. The first moved record in the log decides. It is noted here before the carry is at its new place, so what the log loses changes nothing';

CREATE TABLE bridge_checkpoints
(
    topic         LowCardinality(String) COMMENT 'The aggregates topic',
    partition     UInt16           COMMENT 'Its partition',
    next_offset   UInt64           COMMENT 'Every record below it is folded, and what it made due is composed; the version of this row',
    resume_offset UInt64           COMMENT 'Where reading begins again: the first record of what is not composed yet',
    last_record   Nullable(UInt64) COMMENT 'Offset of the last record folded; NULL before the first',
    digest        String           COMMENT 'Digest of the last record, to tell this log from another one',
    written_at    DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When this row was written'
)
ENGINE = ReplacingMergeTree(next_offset)
ORDER BY (topic, partition)
COMMENT 'Where the owner of a partition of the aggregates topic resumes';

CREATE TABLE bridge_dead_letters
(
    topic               LowCardinality(String) COMMENT 'The aggregates topic',
    partition           UInt16                 COMMENT 'Its partition',
    offset              UInt64                 COMMENT 'Offset of the record',
    code                LowCardinality(String) COMMENT 'Why the bridge refuses it',
    message             String                 COMMENT 'The same for people',
    record_timestamp    Int64                  COMMENT 'Timestamp of the record, in milliseconds since 1970',
    record_key_base64   Nullable(String) EPHEMERAL COMMENT 'For inserts only: the key in base64',
    record_value_base64 Nullable(String) EPHEMERAL COMMENT 'For inserts only: the value in base64',
    record_key          Nullable(String) DEFAULT base64Decode(record_key_base64)   COMMENT 'The original key, byte for byte',
    record_value        Nullable(String) DEFAULT base64Decode(record_value_base64) COMMENT 'The original value, byte for byte',
    record_headers      String                 COMMENT 'The original headers, as JSON'
)
ENGINE = ReplacingMergeTree
ORDER BY (topic, partition, offset)
COMMENT 'Records of the aggregates topic that the bridge refuses: forged, unreadable or misplaced';
