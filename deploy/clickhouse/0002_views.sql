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
INNER JOIN (SELECT topic, epoch, partition, closed_through FROM checkpoints FINAL) AS c
    ON c.topic = h.topic AND c.epoch = h.epoch AND c.partition = h.partition
INNER JOIN (SELECT topic, epoch FROM sources FINAL WHERE kind = 'live' OR state = 'sealed') AS s
    ON s.topic = h.topic AND s.epoch = h.epoch
WHERE h.reported_hour < c.closed_through
COMMENT 'Hourly windows that never change: their reported hour is closed, their source is live or sealed';

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
COMMENT 'Usage per hour of consumption, subscription, meter and resource, over all sources';

CREATE VIEW usage_by_day AS
SELECT
    toStartOfDay(usage_hour) AS usage_day,
    subscription_id,
    meter_id,
    any(meter_name) AS meter_name,
    any(unit) AS unit,
    resource_uri,
    any(location) AS location,
    sum(quantity) AS quantity,
    sum(event_count) AS event_count
FROM usage_by_hour
GROUP BY usage_day, subscription_id, meter_id, resource_uri
COMMENT 'Usage per day of consumption, subscription, meter and resource, over all sources';
