-- What was asked of Commerce, and the view that shows each submission with what became of it.

CREATE TABLE commerce_requests
(
    request_id          UUID            COMMENT 'Sent as x-ms-requestid; each try has its own',
    correlation_id      UUID            COMMENT 'Sent as x-ms-correlationid: the first of its submissions, so that the tries of one batch have it in common',
    operation           LowCardinality(String) COMMENT 'submit (POST batchUsageEvent), look-up (GET usageEvents) or dry-run (what would have been submitted)',
    log_partition       UInt16          COMMENT 'Partition of the aggregates topic whose owner asked',
    sent_at             DateTime64(3, 'UTC')           COMMENT 'When it was begun, by the clock of the bridge',
    answered_at         Nullable(DateTime64(3, 'UTC')) COMMENT 'When its answer was there, or it had failed; NULL in a dry run',
    http_status         UInt16          COMMENT 'Status of the answer; 0 without one',
    handling            LowCardinality(String) COMMENT 'What the bridge did about it: items (each by its own status), split, compare, retry, wait, renew-token, ask-a-person, recorded (a dry run), or nothing (it was given up)',
    message             String          COMMENT 'Why, if it is not items',
    commerce_request_id String          COMMENT 'x-ms-requestid of the answer, for questions to the support of Commerce',
    submissions         Array(UUID)     COMMENT 'The submissions inside, in the order of the request',
    statuses            Array(LowCardinality(String)) COMMENT 'What Commerce said of each of them, in the same order; empty if it did not',
    body                String          COMMENT 'What would have been sent, of a dry run; other bodies follow from the submissions' CODEC(ZSTD(3)),
    INDEX by_submission submissions TYPE bloom_filter GRANULARITY 4
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(sent_at)
ORDER BY (sent_at, request_id)
COMMENT 'One row for each request to Commerce whose answer, or failure, the bridge lived to see. They explain; what counts is in commerce_outcomes';

CREATE VIEW commerce_attempts AS
SELECT
    submission_id,
    count() AS attempts,
    min(r.sent_at) AS first_sent_at,
    max(r.sent_at) AS last_sent_at,
    argMax(r.request_id, r.sent_at) AS last_request_id,
    argMax(r.correlation_id, r.sent_at) AS last_correlation_id
FROM (SELECT * FROM commerce_requests FINAL WHERE operation = 'submit') AS r
ARRAY JOIN r.submissions AS submission_id
GROUP BY submission_id
COMMENT 'How often each submission was sent, by commerce_requests';

ALTER TABLE commerce_attempts
    COMMENT COLUMN submission_id 'The submission',
    COMMENT COLUMN attempts 'How often it was sent: tries whose answer, or failure, the bridge lived to see',
    COMMENT COLUMN first_sent_at 'When it was sent first',
    COMMENT COLUMN last_sent_at 'When it was sent last',
    COMMENT COLUMN last_request_id 'x-ms-requestid of the last time',
    COMMENT COLUMN last_correlation_id 'x-ms-correlationid of the last time';

CREATE VIEW commerce_usage AS
SELECT
    s.topic AS topic, s.epoch AS epoch, s.partition AS partition, s.reported_hour AS reported_hour,
    s.submission_id AS submission_id, s.resource_uri AS resource_uri, s.resource_key AS resource_key,
    s.subscription_id AS subscription_id, s.location AS location,
    s.dimension AS dimension, s.dimension_key AS dimension_key, s.meters AS meters,
    s.quantity AS quantity, s.usage_months AS usage_months,
    s.plan_id AS plan_id, s.aggregates AS aggregates, s.carries AS carries,
    multiIf(o.outcome != '', o.outcome, s.decision != 'send', s.decision, 'pending') AS outcome,
    s.reason AS reason,
    o.accepted_quantity AS accepted_quantity, o.usage_event_id AS usage_event_id,
    o.code AS code, o.message AS message,
    t.attempts AS attempts, t.first_sent_at AS first_sent_at,
    t.last_request_id AS last_request_id, t.last_correlation_id AS last_correlation_id,
    if(o.outcome = '', NULL, o.at) AS settled_at
FROM commerce_submissions AS s FINAL
INNER JOIN (SELECT topic, epoch, partition, reported_hour FROM compositions FINAL) AS c
    ON c.topic = s.topic AND c.epoch = s.epoch AND c.partition = s.partition AND c.reported_hour = s.reported_hour
LEFT JOIN (SELECT * FROM commerce_outcomes FINAL) AS o
    ON o.topic = s.topic AND o.epoch = s.epoch AND o.partition = s.partition
    AND o.reported_hour = s.reported_hour AND o.submission_id = s.submission_id
LEFT JOIN (
    SELECT submission_id, attempts, toNullable(a.first_sent_at) AS first_sent_at,
        toNullable(a.last_request_id) AS last_request_id, toNullable(a.last_correlation_id) AS last_correlation_id
    FROM commerce_attempts AS a
) AS t ON t.submission_id = s.submission_id
COMMENT 'Every submission that counts, with what became of it: pending, accepted, duplicate, mismatch, carried, dead-lettered, zero, not-reported, credit or held';

ALTER TABLE commerce_usage
    COMMENT COLUMN topic 'Kafka topic of the source',
    COMMENT COLUMN epoch 'Epoch of the topic',
    COMMENT COLUMN partition 'Partition of the topic',
    COMMENT COLUMN reported_hour 'The reported hour, which is the effective hour',
    COMMENT COLUMN submission_id 'The submission',
    COMMENT COLUMN resource_uri 'The resource, as its first aggregate wrote it',
    COMMENT COLUMN resource_key 'The resource, in lower case',
    COMMENT COLUMN subscription_id 'Subscription of the resource',
    COMMENT COLUMN location 'Location of the resource',
    COMMENT COLUMN dimension 'What Commerce bills it as',
    COMMENT COLUMN dimension_key 'The same in lower case',
    COMMENT COLUMN meters 'Local meters inside it',
    COMMENT COLUMN quantity 'What is billed',
    COMMENT COLUMN usage_months 'The quantity by the month in which it was used',
    COMMENT COLUMN plan_id 'Plan of the registration',
    COMMENT COLUMN aggregates 'Aggregates inside it',
    COMMENT COLUMN carries 'Carries inside it',
    COMMENT COLUMN outcome 'pending, accepted, duplicate, mismatch, carried, dead-lettered, zero, not-reported, credit or held',
    COMMENT COLUMN reason 'Why it was not to be sent; empty where it was',
    COMMENT COLUMN accepted_quantity 'What Commerce holds; NULL before an outcome',
    COMMENT COLUMN usage_event_id 'The id that Commerce gave it',
    COMMENT COLUMN code 'Why it was not accepted',
    COMMENT COLUMN message 'The same for people',
    COMMENT COLUMN attempts 'How often it was sent, by commerce_requests',
    COMMENT COLUMN first_sent_at 'When it was sent first; NULL before',
    COMMENT COLUMN last_request_id 'x-ms-requestid of the last time; NULL before',
    COMMENT COLUMN last_correlation_id 'x-ms-correlationid of the last time; NULL before',
    COMMENT COLUMN settled_at 'When its outcome was recorded; NULL while it has none';
