-- Operations that change the past: each is recorded, and readers can see which hours were restated.

CREATE TABLE restatements
(
    topic         LowCardinality(String) COMMENT 'Kafka topic of the source',
    epoch         UInt32                 COMMENT 'Life of the topic',
    partition     UInt16                 COMMENT 'Partition of the topic',
    reported_hour DateTime('UTC')        COMMENT 'The closed hour whose windows were restated',
    generation    UInt16                 COMMENT 'Generation of the rows that hold now',
    windows       UInt64                 COMMENT 'Rows of the hour that were restated',
    reason        String                 COMMENT 'Why, in the words of who did it',
    actor         String                 COMMENT 'Who did it',
    at            DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When'
)
ENGINE = MergeTree
ORDER BY (reported_hour, topic, epoch, partition, generation)
COMMENT 'Hours whose windows were recomputed after they had closed';
