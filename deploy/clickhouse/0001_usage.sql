-- The tables of the usage database. Every table that the aggregator writes replaces rows by version:
-- a row is a pure function of the log, so writing it again, late or twice, changes nothing.
-- Read them with FINAL, or through the views of 0002.

CREATE TABLE sources
(
    topic        LowCardinality(String) COMMENT 'Kafka topic',
    epoch        UInt32                 COMMENT 'Epoch of the topic: 1 for the first',
    kind         LowCardinality(String) COMMENT 'live, or history (a recorded or simulated past)',
    partitions   UInt16                 COMMENT 'Partition count, fixed for the epoch',
    first_hour   DateTime('UTC')        COMMENT 'First reported hour that the source covers',
    last_hour    Nullable(DateTime('UTC')) COMMENT 'Last reported hour of a history run, itself included; NULL for live sources',
    hour_millis  UInt32                 COMMENT 'Length of an hour in milliseconds; 3600000 but in tests',
    predecessor  Nullable(UInt32)       COMMENT 'The epoch that this one follows; NULL for the first',
    state        LowCardinality(String) COMMENT 'declared, open, written, sealed or abandoned',
    billable     Bool                   COMMENT 'Whether the bridge may send its usage to Commerce',
    namespaces   Array(String)          COMMENT 'Lower-case resource namespaces that it serves; * for all',
    origin       String                 COMMENT 'Where it comes from: live, or the SHA-256 of an imported file',
    revision     UInt64                 COMMENT 'Counts the changes of this row; the highest revision counts',
    changed_at   DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When this revision was written'
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY (topic, epoch)
COMMENT 'The register of sources: one row for each epoch of each topic, written before the topic is created';

CREATE TABLE checkpoints
(
    topic          LowCardinality(String) COMMENT 'Kafka topic',
    epoch          UInt32          COMMENT 'Epoch of the topic',
    partition      UInt16          COMMENT 'Partition of the topic',
    first_offset   UInt64          COMMENT 'Where counting began',
    next_offset    UInt64          COMMENT 'Every record below it is folded and stored; the version of this row',
    watermark      DateTime64(3, 'UTC') COMMENT 'Reported time of the last record: the running maximum',
    open_hour      DateTime('UTC') COMMENT 'Every reported time before this instant is closed',
    sealed         Bool            COMMENT 'Whether the end record has been read',
    floor          Nullable(DateTime64(3, 'UTC')) COMMENT 'Usage that started before it is refused, because the ledger was trimmed up to there',
    accepted       UInt64          COMMENT 'Events counted in windows',
    duplicate      UInt64          COMMENT 'Records whose id was accepted before with the same content',
    dead_lettered  UInt64          COMMENT 'Records refused, see dead_letters',
    control        UInt64          COMMENT 'Control records and gaps',
    lost           UInt64          COMMENT 'Offsets that were lost unread, see losses; with the four other counts it adds up to next_offset - first_offset',
    last_record    Nullable(UInt64) COMMENT 'Offset of the last record folded; NULL before the first',
    digest         String          COMMENT 'Digest of the last record, to tell this log from another one',
    rules          String          COMMENT 'The rules in force, as JSON; empty before the first rules record',
    written_at     DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When this row was written'
)
ENGINE = ReplacingMergeTree(next_offset)
ORDER BY (topic, epoch, partition)
COMMENT 'Where the owner of a partition resumes. Everything below next_offset is in the other tables';

CREATE TABLE usage_events
(
    topic           LowCardinality(String) COMMENT 'Kafka topic',
    epoch           UInt32               COMMENT 'Epoch of the topic',
    partition       UInt16               COMMENT 'Partition of the topic',
    offset          UInt64               COMMENT 'Offset of the record',
    event_id        UUID                 COMMENT 'Id of the event; counted once',
    content_digest  UInt64               COMMENT 'Digest of all other fields: the same id with another one is a conflict',
    reported_time   DateTime64(3, 'UTC') COMMENT 'When the event entered the usage system',
    reported_hour   DateTime('UTC')      COMMENT 'Hour of reported_time',
    usage_hour      DateTime('UTC')      COMMENT 'Hour in which the resource was consumed',
    usage_start     DateTime64(3, 'UTC') COMMENT 'Start of the usage, inclusive',
    usage_end       DateTime64(3, 'UTC') COMMENT 'End of the usage, exclusive',
    subscription_id String               COMMENT 'Subscription, as the provider wrote it',
    meter_id        String               COMMENT 'Meter, as the provider wrote it',
    resource_uri    String               COMMENT 'Resource, as the provider wrote it',
    quantity        Decimal(76, 30)      COMMENT 'Consumption in the unit of the meter, exact',
    location        LowCardinality(String) COMMENT 'Region',
    tags            Nullable(String)     COMMENT 'As the provider gave them',
    additional_info Nullable(String)     COMMENT 'As the provider gave it',
    -- Finds an event by its id alone ("usagectl event ID"). Inserts of 500,000 rows took 1.26 s of processor time with it, and 1.14 and 1.37 s
    -- in two equal tables without it: medians of twelve, in turns. Of 63 granules one to three are read.
    INDEX by_event_id event_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(reported_hour)
ORDER BY (topic, epoch, partition, usage_hour, event_id, offset)
-- A part of up to 256 MiB is two files, not two for each column: on a file system that is slow to create files, their
-- creation took a fifth of the engine's time (docs/benchmarks.md, "What was tried").
SETTINGS min_bytes_for_wide_part = 268435456
COMMENT 'The ledger: every accepted event with the offset it came from';

CREATE TABLE usage_hourly
(
    topic            LowCardinality(String) COMMENT 'Kafka topic',
    epoch            UInt32          COMMENT 'Epoch of the topic',
    partition        UInt16          COMMENT 'Partition of the topic',
    reported_hour    DateTime('UTC') COMMENT 'Hour in which the usage was reported',
    usage_hour       DateTime('UTC') COMMENT 'Hour in which the resource was consumed',
    usage_hour_end   DateTime('UTC') COMMENT 'End of that hour',
    subscription_key String          COMMENT 'subscription_id in lower case: identity',
    meter_key        String          COMMENT 'meter_id in lower case: identity',
    resource_key     String          COMMENT 'resource_uri in lower case: identity',
    subscription_id  String          COMMENT 'As written in its first event',
    meter_id         String          COMMENT 'As written in its first event',
    resource_uri     String          COMMENT 'As written in its first event',
    location         LowCardinality(String) COMMENT 'Region, from its first event',
    tags             Nullable(String) COMMENT 'From its first event',
    additional_info  Nullable(String) COMMENT 'From its first event',
    quantity         Decimal(76, 30) COMMENT 'Total of the window, exact',
    event_count      UInt64          COMMENT 'Accepted events in the window',
    first_offset     UInt64          COMMENT 'Offset of its first event',
    last_offset      UInt64          COMMENT 'Offset of its last event: the row is a pure function of the log up to here',
    generation       UInt16          COMMENT 'Raised only by a rebuild',
    version          UInt64 DEFAULT bitShiftLeft(toUInt64(generation), 48) + last_offset COMMENT 'The row with the highest version counts'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(reported_hour)
-- In the order of the usage API, with small granules: a page of a closed hour is one short read.
ORDER BY (reported_hour, usage_hour, subscription_key, meter_key, resource_key, topic, epoch, partition)
SETTINGS index_granularity = 2048, min_bytes_for_wide_part = 268435456
COMMENT 'Hourly windows: one row for each reported hour, usage hour, subscription, meter and resource of a source partition';

CREATE TABLE usage_daily
(
    topic            LowCardinality(String) COMMENT 'Kafka topic',
    epoch            UInt32          COMMENT 'Epoch of the topic',
    partition        UInt16          COMMENT 'Partition of the topic',
    reported_day     DateTime('UTC') COMMENT 'Day in which the usage was reported',
    usage_day        DateTime('UTC') COMMENT 'Day in which the resource was consumed',
    usage_day_end    DateTime('UTC') COMMENT 'End of that day',
    subscription_key String          COMMENT 'subscription_id in lower case: identity',
    meter_key        String          COMMENT 'meter_id in lower case: identity',
    resource_key     String          COMMENT 'resource_uri in lower case: identity',
    subscription_id  String          COMMENT 'As written in its first event',
    meter_id         String          COMMENT 'As written in its first event',
    resource_uri     String          COMMENT 'As written in its first event',
    location         LowCardinality(String) COMMENT 'Region, from its first event',
    tags             Nullable(String) COMMENT 'From its first event',
    additional_info  Nullable(String) COMMENT 'From its first event',
    quantity         Decimal(76, 30) COMMENT 'Total over the closed hours of the reported day, exact',
    event_count      UInt64          COMMENT 'Accepted events in it',
    first_offset     UInt64          COMMENT 'Offset of its first event',
    last_hour        DateTime('UTC') COMMENT 'The last closed hour that is in it',
    generation       UInt16          COMMENT 'Raised only by a rebuild',
    version          UInt64 DEFAULT bitShiftLeft(toUInt64(generation), 48) + toUInt64(toUnixTimestamp(last_hour)) COMMENT 'The row with the highest version counts'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(reported_day)
ORDER BY (reported_day, usage_day, subscription_key, meter_key, resource_key, topic, epoch, partition)
SETTINGS index_granularity = 2048
COMMENT 'Daily windows: rolled up from the closed hours of one source partition; add the rows of several sources';

CREATE TABLE dead_letters
(
    topic            LowCardinality(String) COMMENT 'Kafka topic',
    epoch            UInt32               COMMENT 'Epoch of the topic',
    partition        UInt16               COMMENT 'Partition of the topic',
    offset           UInt64               COMMENT 'Offset of the record',
    code             LowCardinality(String) COMMENT 'Why it was refused',
    message          String               COMMENT 'The same for people',
    reported_time    DateTime64(3, 'UTC') COMMENT 'Reported time of the partition at this record',
    record_timestamp Int64                COMMENT 'Timestamp of the record itself, in milliseconds since 1970',
    record_key_base64   Nullable(String) EPHEMERAL COMMENT 'For inserts only: the key in base64',
    record_value_base64 Nullable(String) EPHEMERAL COMMENT 'For inserts only: the value in base64',
    record_key       Nullable(String) DEFAULT base64Decode(record_key_base64)   COMMENT 'The original key, byte for byte',
    record_value     Nullable(String) DEFAULT base64Decode(record_value_base64) COMMENT 'The original value, byte for byte',
    record_headers   String               COMMENT 'The original headers, as JSON'
)
ENGINE = ReplacingMergeTree
ORDER BY (topic, epoch, partition, offset)
COMMENT 'Records that were refused, with their original bytes; also on the topic usage.events.dlq';

CREATE TABLE meters
(
    meter_key         String                 COMMENT 'meter_id in lower case: identity',
    meter_id          String                 COMMENT 'As Azure writes it',
    name              String                 COMMENT 'Name of the meter',
    unit              String                 COMMENT 'Unit of its quantities',
    resource_provider LowCardinality(String) COMMENT 'Namespace that emits it',
    category          LowCardinality(String) COMMENT 'Category',
    deprecated        Bool                   COMMENT 'No longer emitted by current providers',
    billable          Bool                   COMMENT 'Whether the bridge sends it to Commerce',
    billing           LowCardinality(String) COMMENT 'full-price, admin (infrastructure, at price zero), deprecated or local-only: why it is sent, or is not',
    dimension         String                 COMMENT 'The name under which Commerce bills it: its id there, which may differ',
    loaded_at         DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When this row was loaded from the catalog'
)
ENGINE = ReplacingMergeTree(loaded_at)
ORDER BY meter_key
COMMENT 'The meter catalog, loaded from schemas/meters.json';

CREATE TABLE operations
(
    at      DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When',
    actor   String                 COMMENT 'Who',
    kind    LowCardinality(String) COMMENT 'What: source-declared, history-imported, rules-applied, …',
    subject String                 COMMENT 'On what: a topic, a run, …',
    detail  String                 COMMENT 'More, as JSON'
)
ENGINE = MergeTree
ORDER BY at
COMMENT 'Operations that changed what the pipeline does: who, when, what';

-- What people did about dead letters. A table of its own: the aggregator writes dead_letters again
-- when it folds a log again, and that must reset nothing.

CREATE TABLE dispositions
(
    topic        LowCardinality(String) COMMENT 'Kafka topic of the dead letter',
    epoch        UInt32                 COMMENT 'Epoch of the topic',
    partition    UInt16                 COMMENT 'Partition of the topic',
    offset       UInt64                 COMMENT 'Offset of the dead letter',
    at           DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When',
    disposition  LowCardinality(String) COMMENT 'redriven or discarded',
    actor        String                 COMMENT 'By whom',
    reason       String                 COMMENT 'Why; a discard always has one',
    to_topic     LowCardinality(String) COMMENT 'Topic to which it was redriven; empty for a discard',
    to_epoch     Nullable(UInt32)       COMMENT 'Epoch of that topic',
    to_partition Nullable(UInt16)       COMMENT 'Partition to which it was redriven',
    to_offset    Nullable(UInt64)       COMMENT 'Offset of the redriven record, where it was counted or refused again'
)
ENGINE = MergeTree
ORDER BY (topic, epoch, partition, offset, at)
COMMENT 'What people did about dead letters: redriven or discarded, by whom and why';

-- Operations that change the past: each is recorded, and readers can see which hours were restated.

CREATE TABLE restatements
(
    topic         LowCardinality(String) COMMENT 'Kafka topic of the source',
    epoch         UInt32                 COMMENT 'Epoch of the topic',
    partition     UInt16                 COMMENT 'Partition of the topic',
    reported_hour DateTime('UTC')        COMMENT 'The closed hour whose windows were restated',
    generation    UInt16                 COMMENT 'Generation of the rows that hold now',
    windows       UInt64                 COMMENT 'Rows of the hour that were restated',
    written       Bool                   COMMENT 'false: recorded before the first row is written; true: after the last one. Until then the hour may have old and new rows',
    reason        String                 COMMENT 'Why, in the words of the person who did it',
    actor         String                 COMMENT 'Who did it',
    at            DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When'
)
ENGINE = MergeTree
ORDER BY (reported_hour, topic, epoch, partition, generation)
COMMENT 'Hours whose windows were recomputed after they had closed, each recorded twice: before its rows are written and after';

-- Records that are gone before they were counted. The aggregator halts there; a person accepts the loss
-- ("usagectl loss accept", "usagectl epoch new --accept-loss"), and counting goes on behind it.

CREATE TABLE losses
(
    topic       LowCardinality(String) COMMENT 'Kafka topic',
    epoch       UInt32                 COMMENT 'Epoch of the topic',
    partition   UInt16                 COMMENT 'Partition of the topic',
    from_offset UInt64                 COMMENT 'The first offset that was not folded and stored',
    next_offset UInt64                 COMMENT 'Where counting continues; if the epoch ends here, one past its last offset',
    ended       Bool                   COMMENT 'Whether the epoch ends here, because its log is gone or is another one',
    open_hour   DateTime('UTC')        COMMENT 'Hours before it were published: nothing that is reported later enters them',
    reason      String                  COMMENT 'Why the records are gone, in the words of the person who accepted it',
    actor       LowCardinality(String) COMMENT 'Who accepted it',
    accepted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When it was accepted'
)
ENGINE = MergeTree
ORDER BY (topic, epoch, partition, from_offset)
COMMENT 'Offsets whose records were lost before they were counted: what the tables hold of them stays counted, the rest counts as lost';
