-- What people did about dead letters. A table of its own: the aggregator writes dead_letters again
-- when it folds a log again, and that must reset nothing.

CREATE TABLE dispositions
(
    topic        LowCardinality(String) COMMENT 'Kafka topic of the dead letter',
    epoch        UInt32                 COMMENT 'Life of the topic',
    partition    UInt16                 COMMENT 'Partition of the topic',
    offset       UInt64                 COMMENT 'Offset of the dead letter',
    at           DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When',
    disposition  LowCardinality(String) COMMENT 'redriven or discarded',
    actor        String                 COMMENT 'By whom',
    reason       String                 COMMENT 'Why; a discard always has one',
    to_topic     LowCardinality(String) COMMENT 'Topic to which it was redriven; empty for a discard',
    to_epoch     Nullable(UInt32)       COMMENT 'Life of that topic',
    to_partition Nullable(UInt16)       COMMENT 'Partition to which it was redriven',
    to_offset    Nullable(UInt64)       COMMENT 'Offset of the redriven record: there it was counted, or refused again'
)
ENGINE = MergeTree
ORDER BY (topic, epoch, partition, offset, at)
COMMENT 'What was done about dead letters, each time: redriven or discarded, by whom and why';
