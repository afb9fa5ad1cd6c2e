-- For analysts: usage by the time at which it was consumed, over all sources, only hours that are
-- closed and so never change. Late usage adds to its usage hour when its reported hour closes.

CREATE VIEW usage_closed_hours AS
SELECT
    h.topic AS topic, h.epoch AS epoch, h.partition AS partition,
    h.reported_hour AS reported_hour, h.usage_hour AS usage_hour, h.usage_hour_end AS usage_hour_end,
    h.subscription_key AS subscription_key, h.meter_key AS meter_key, h.resource_key AS resource_key,
    h.subscription_id AS subscription_id, h.meter_id AS meter_id, h.resource_uri AS resource_uri,
    h.location AS location, h.tags AS tags, h.additional_info AS additional_info,
    h.quantity AS quantity, h.event_count AS event_count,
    h.first_offset AS first_offset, h.last_offset AS last_offset, h.generation AS generation
FROM usage_hourly AS h FINAL
INNER JOIN (SELECT topic, epoch, partition, open_hour FROM checkpoints FINAL) AS c
    ON c.topic = h.topic AND c.epoch = h.epoch AND c.partition = h.partition
INNER JOIN (SELECT topic, epoch FROM sources FINAL WHERE kind = 'live' OR state = 'sealed') AS s
    ON s.topic = h.topic AND s.epoch = h.epoch
WHERE h.reported_hour < c.open_hour
COMMENT 'Hourly windows that never change: their reported hour is closed, their source is live or sealed';

ALTER TABLE usage_closed_hours
    COMMENT COLUMN topic 'Kafka topic of the source',
    COMMENT COLUMN epoch 'Epoch of the topic',
    COMMENT COLUMN partition 'Partition of the topic',
    COMMENT COLUMN reported_hour 'The hour in which the usage entered the system',
    COMMENT COLUMN usage_hour 'The hour in which it was consumed',
    COMMENT COLUMN usage_hour_end 'End of that hour',
    COMMENT COLUMN subscription_key 'The subscription, in lower case: part of the identity',
    COMMENT COLUMN meter_key 'The meter, in lower case: part of the identity',
    COMMENT COLUMN resource_key 'The resource, in lower case: part of the identity',
    COMMENT COLUMN subscription_id 'The subscription, as its first event wrote it',
    COMMENT COLUMN meter_id 'The meter, as its first event wrote it',
    COMMENT COLUMN resource_uri 'The resource, as its first event wrote it',
    COMMENT COLUMN location 'Where the resource is',
    COMMENT COLUMN tags 'Tags of the resource, as JSON; NULL where there are none',
    COMMENT COLUMN additional_info 'Further properties, as JSON; NULL where there are none',
    COMMENT COLUMN quantity 'What was consumed, in units of the meter',
    COMMENT COLUMN event_count 'Events in the window',
    COMMENT COLUMN first_offset 'Offset of its first event',
    COMMENT COLUMN last_offset 'Offset of its last event',
    COMMENT COLUMN generation 'Rises with each restatement';

CREATE VIEW usage_by_hour AS
SELECT
    u.usage_hour AS usage_hour,
    u.subscription_key AS subscription_id,
    u.meter_key AS meter_id,
    any(m.name) AS meter_name,
    any(m.unit) AS unit,
    u.resource_key AS resource_uri,
    argMin(u.location, (u.reported_hour, u.first_offset)) AS location,
    sum(u.quantity) AS quantity,
    sum(u.event_count) AS event_count,
    max(u.reported_hour) AS last_reported_hour
FROM usage_closed_hours AS u
LEFT JOIN (SELECT * FROM meters FINAL) AS m ON m.meter_key = u.meter_key
GROUP BY usage_hour, subscription_id, meter_id, resource_uri
COMMENT 'Usage per hour of consumption, subscription, meter and resource, over all sources. Only reported hours that are closed; ids in lower case: compare with lower(…)';

ALTER TABLE usage_by_hour
    COMMENT COLUMN usage_hour 'The hour in which it was consumed',
    COMMENT COLUMN subscription_id 'The subscription, in lower case',
    COMMENT COLUMN meter_id 'The meter, in lower case: compare with lower(…), the catalog writes it in upper case',
    COMMENT COLUMN meter_name 'Name of the meter in the catalog; empty where it has none',
    COMMENT COLUMN unit 'What the quantity counts',
    COMMENT COLUMN resource_uri 'The resource, in lower case',
    COMMENT COLUMN location 'Where the resource is',
    COMMENT COLUMN quantity 'What was consumed, in units of the meter: the sum over all reported hours that are closed',
    COMMENT COLUMN event_count 'Events that reported it',
    COMMENT COLUMN last_reported_hour 'The last reported hour that added to it';

CREATE VIEW usage_by_day AS
SELECT
    toStartOfDay(usage_hour) AS usage_day,
    subscription_id,
    meter_id,
    any(meter_name) AS meter_name,
    any(unit) AS unit,
    resource_uri,
    argMin(location, usage_hour) AS location,
    sum(quantity) AS quantity,
    sum(event_count) AS event_count
FROM usage_by_hour
GROUP BY usage_day, subscription_id, meter_id, resource_uri
COMMENT 'Usage per UTC day of consumption, subscription, meter and resource, over all sources. Only reported hours that are closed; ids in lower case: compare with lower(…)';

ALTER TABLE usage_by_day
    COMMENT COLUMN usage_day 'The UTC day on which it was consumed',
    COMMENT COLUMN subscription_id 'The subscription, in lower case',
    COMMENT COLUMN meter_id 'The meter, in lower case: compare with lower(…), the catalog writes it in upper case',
    COMMENT COLUMN meter_name 'Name of the meter in the catalog; empty where it has none',
    COMMENT COLUMN unit 'What the quantity counts',
    COMMENT COLUMN resource_uri 'The resource, in lower case',
    COMMENT COLUMN location 'Where the resource is',
    COMMENT COLUMN quantity 'What was consumed, in units of the meter: the sum over all reported hours that are closed',
    COMMENT COLUMN event_count 'Events that reported it';
