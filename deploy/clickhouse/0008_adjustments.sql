-- What people took back from usage that was reported wrongly, or added to it. Each one is an event too: it is
-- in the log, in the ledger under the same id, and in a window of the reported hour in which it was counted.

CREATE TABLE adjustments
(
    adjustment_id   UUID                 COMMENT 'Id of the adjustment, and of its event in the ledger',
    topic           LowCardinality(String) COMMENT 'Kafka topic to whose log it goes',
    subscription_id String               COMMENT 'Subscription',
    meter_id        String               COMMENT 'Meter',
    resource_uri    String               COMMENT 'Resource',
    usage_hour      DateTime('UTC')      COMMENT 'Hour of the usage that is adjusted',
    quantity        Decimal(76, 30)      COMMENT 'What is added to the usage; below zero where usage is taken back',
    location        LowCardinality(String) COMMENT 'Region of the resource, from its usage',
    tags            Nullable(String)     COMMENT 'Tags of the resource, from its usage',
    reason          String               COMMENT 'Why. The tenant reads it in the additional info of the usage',
    key             String               COMMENT 'Tells it from others of the same usage hour, if whoever made it gave a key; empty otherwise',
    forced          Bool                 COMMENT 'Whether it was to be made even if less was recorded than is taken back',
    actor           String               COMMENT 'Who made it',
    at              DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC') COMMENT 'When; of several rows of one id the first one counts'
)
ENGINE = MergeTree
ORDER BY (usage_hour, adjustment_id, at)
COMMENT 'Adjustments of usage, each recorded before it is sent. It counts once the ledger has an event of its id';
