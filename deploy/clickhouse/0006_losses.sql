-- Records that are gone before they were counted. The aggregator halts there; a person accepts the loss
-- ("usagectl loss accept", "usagectl epoch new --accept-loss"), and counting goes on behind it.

CREATE TABLE losses
(
    topic       LowCardinality(String) COMMENT 'Kafka topic',
    epoch       UInt32                 COMMENT 'Life of the topic',
    partition   UInt16                 COMMENT 'Partition of the topic',
    from_offset UInt64                 COMMENT 'The first offset that was not folded and stored',
    next_offset UInt64                 COMMENT 'Where counting goes on; where the life ends, one past its last offset',
    ended       Bool                   COMMENT 'Whether the life of the topic ends here, because its log is gone or is another one',
    open_hour   DateTime('UTC')        COMMENT 'Hours before it had been published: nothing reported later enters them',
    reason      String                  COMMENT 'Why the records are gone, in the words of who accepted it',
    actor       LowCardinality(String) COMMENT 'Who accepted it',
    accepted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When it was accepted'
)
ENGINE = MergeTree
ORDER BY (topic, epoch, partition, from_offset)
COMMENT 'Offsets whose records were lost unread: what the tables held of them stays counted, the rest is counted as lost';

ALTER TABLE checkpoints ADD COLUMN IF NOT EXISTS lost UInt64 DEFAULT 0 COMMENT 'Offsets that were lost unread, see losses; with the four other counts it adds up to next_offset - first_offset' AFTER control;

ALTER TABLE checkpoints COMMENT COLUMN IF EXISTS control 'Control records and gaps';
