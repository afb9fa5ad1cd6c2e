-- Prices, and a view with costs. A price times a quantity is exact as Decimal(76, 10) * Decimal(76, 30); with a price of more decimal
-- places the product wraps around without an error (see the data dictionary).

CREATE TABLE rates
(
    loaded_at        DateTime64(6, 'UTC')    COMMENT 'When the price list was loaded; the newest one counts',
    actor            String                  COMMENT 'Who loaded it',
    currency         LowCardinality(String)  COMMENT 'ISO 4217 code',
    meter_key        String                  COMMENT 'Meter, in lower case',
    subscription_key String                  COMMENT 'Whose price it is, in lower case; empty for the list price, for everybody who has no price of their own',
    effective_from   DateTime('UTC')         COMMENT 'It holds for usage from here on, until the next rate of this meter and subscription',
    price            Nullable(Decimal(76, 10)) COMMENT 'For one unit of the meter, exact; NULL ends the rate before it'
)
ENGINE = MergeTree
ORDER BY (loaded_at, meter_key, subscription_key, effective_from)
COMMENT 'Price lists, loaded with usagectl rates load. A price list that was loaded earlier is kept but does not count';

CREATE VIEW usage_costs AS
WITH
    (SELECT max(r.loaded_at) FROM rates AS r) AS newest,
    list AS
    (
        SELECT r.meter_key AS meter_key, r.effective_from AS effective_from, r.price AS price, toNullable(toString(r.currency)) AS currency
        FROM rates AS r WHERE r.loaded_at = newest AND r.subscription_key = ''
    ),
    own AS
    (
        SELECT r.meter_key AS meter_key, r.subscription_key AS subscription_key, r.effective_from AS effective_from, r.price AS price,
            toNullable(toString(r.currency)) AS currency
        FROM rates AS r WHERE r.loaded_at = newest AND r.subscription_key != ''
    ),
    listed AS
    (
        SELECT u.*, list.price AS list_price, list.currency AS list_currency
        FROM usage_by_hour AS u
        ASOF LEFT JOIN list ON list.meter_key = u.meter_id AND u.usage_hour >= list.effective_from
    )
SELECT
    l.usage_hour AS usage_hour, l.subscription_id AS subscription_id, l.meter_id AS meter_id, l.meter_name AS meter_name,
    l.unit AS unit, l.resource_uri AS resource_uri, l.location AS location, l.quantity AS quantity,
    coalesce(own.price, l.list_price) AS unit_price,
    unit_price * l.quantity AS cost,
    if(own.price IS NOT NULL, own.currency, if(l.list_price IS NOT NULL, l.list_currency, NULL)) AS currency,
    l.last_reported_hour AS last_reported_hour
FROM listed AS l
ASOF LEFT JOIN own ON own.meter_key = l.meter_id AND own.subscription_key = l.subscription_id AND l.usage_hour >= own.effective_from
COMMENT 'Usage per hour of consumption with its cost, by the price list that was loaded last. Only reported hours that are closed';

ALTER TABLE usage_costs
    COMMENT COLUMN usage_hour 'The hour in which it was consumed',
    COMMENT COLUMN subscription_id 'The subscription, in lower case',
    COMMENT COLUMN meter_id 'The meter, in lower case',
    COMMENT COLUMN meter_name 'Name of the meter in the catalog; empty where it has none',
    COMMENT COLUMN unit 'What the quantity counts',
    COMMENT COLUMN resource_uri 'The resource, in lower case',
    COMMENT COLUMN location 'Where the resource is',
    COMMENT COLUMN quantity 'What was consumed, in units of the meter: the sum over all reported hours that are closed',
    COMMENT COLUMN unit_price 'The price of one unit for this subscription at that hour; NULL where there is no rate',
    COMMENT COLUMN cost 'unit_price * quantity, exact: every digit of it; NULL where there is no rate',
    COMMENT COLUMN currency 'ISO 4217 code; NULL where there is no rate',
    COMMENT COLUMN last_reported_hour 'The last reported hour that added to it';
