-- What each column of the views means, and what a reader of usage must know.

ALTER TABLE usage_closed_hours
    COMMENT COLUMN topic 'Kafka topic of the source',
    COMMENT COLUMN epoch 'Life of the topic',
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

ALTER TABLE usage_by_hour MODIFY COMMENT 'Usage per hour of consumption, subscription, meter and resource, over all sources. Only reported hours that are closed; ids in lower case: compare with lower(…)';

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

ALTER TABLE usage_by_day MODIFY COMMENT 'Usage per UTC day of consumption, subscription, meter and resource, over all sources. Only reported hours that are closed; ids in lower case: compare with lower(…)';

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

ALTER TABLE commerce_usage
    COMMENT COLUMN topic 'Kafka topic of the source',
    COMMENT COLUMN epoch 'Life of the topic',
    COMMENT COLUMN partition 'Partition of the topic',
    COMMENT COLUMN reported_hour 'The reported hour, which is the effective hour',
    COMMENT COLUMN submission_id 'The submission',
    COMMENT COLUMN resource_uri 'The resource, as its first aggregate wrote it',
    COMMENT COLUMN resource_key 'The resource, in lower case',
    COMMENT COLUMN dimension 'What Commerce bills it as',
    COMMENT COLUMN dimension_key 'The same in lower case',
    COMMENT COLUMN quantity 'What is billed',
    COMMENT COLUMN plan_id 'Plan of the registration',
    COMMENT COLUMN aggregates 'Aggregates inside it',
    COMMENT COLUMN carries 'Carries inside it',
    COMMENT COLUMN outcome 'pending, accepted, duplicate, mismatch, carried, dead-lettered, zero, not-reported or held',
    COMMENT COLUMN accepted_quantity 'What Commerce holds; NULL before an outcome',
    COMMENT COLUMN usage_event_id 'The id that Commerce gave it',
    COMMENT COLUMN code 'Why it was not accepted',
    COMMENT COLUMN message 'The same for people';

ALTER TABLE dead_letters
    COMMENT COLUMN record_key_base64 'For inserts only: the key in base64',
    COMMENT COLUMN record_value_base64 'For inserts only: the value in base64';

ALTER TABLE bridge_dead_letters
    COMMENT COLUMN record_key_base64 'For inserts only: the key in base64',
    COMMENT COLUMN record_value_base64 'For inserts only: the value in base64';
