-- What the simulated cloud must not forget. Only simulated providers write and read it; usage does not depend on it.

CREATE TABLE simulated_resources
(
    provider     LowCardinality(String) COMMENT 'The simulated provider that alone changes this resource, such as compute',
    resource_key String                 COMMENT 'The resource, in lower case',
    resource     String                 COMMENT 'All that is known of it, with its changes and their times, as JSON' CODEC(ZSTD(3)),
    revision     UInt64                 COMMENT 'Counts the changes of this row; the highest revision counts',
    changed_by   String                 COMMENT 'Who asked for the last change',
    changed_at   DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When this revision was written'
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY (provider, resource_key)
COMMENT 'Resources of the simulated cloud that a person has created or changed; all others follow from its seed';

CREATE TABLE simulated_reports
(
    provider         LowCardinality(String) COMMENT 'The simulated provider',
    reported_through DateTime64(3, 'UTC')   COMMENT 'Everything that was used before is with the broker, except what a fault holds back',
    claimed_through  DateTime64(3, 'UTC')   COMMENT 'What was used from reported_through to here may be with the broker too: it is reported again, in the same pieces',
    piece_millis     UInt32                 COMMENT 'The length of these pieces',
    revision         UInt64                 COMMENT 'Counts the changes of this row; the highest revision counts'
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY provider
COMMENT 'How far each simulated provider has reported, so that it goes on from there';

CREATE TABLE simulated_faults
(
    provider  LowCardinality(String)   COMMENT 'The simulated provider',
    from_hour DateTime('UTC')          COMMENT 'The first usage hour to which the plan applies; it applies until the next one',
    plan      String                   COMMENT 'The shares of faults and their seed, as JSON',
    set_at    DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When it was set; the last one counts'
)
ENGINE = ReplacingMergeTree(set_at)
ORDER BY (provider, from_hour)
COMMENT 'Which faults a simulated provider makes in which usage hours, so that a change of settings loses and doubles nothing';
