-- Whose subscriptions these are. Usage does not depend on it: it decides who may read usage.

CREATE TABLE subscriptions
(
    subscription_id String                 COMMENT 'Subscription, in lower case',
    provider_id     String                 COMMENT 'Subscription of the provider that it belongs to, in lower case: it is a direct tenant of that provider',
    state           LowCardinality(String) COMMENT 'active, suspended or deleted. The usage of a deleted one is still returned to its provider, but not to its tenant',
    display_name    String                 COMMENT 'Its name for people; empty if it has none',
    offer           String                 COMMENT 'ARM id or name of the offer that it uses; empty if it is not known',
    customer        String                 COMMENT 'Microsoft Entra tenant of the customer, which a CSP registration maps to a subscription in Azure; empty if it is not known',
    revision        UInt64                 COMMENT 'Counts the changes of this row; the highest revision counts',
    changed_at      DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When this revision was written'
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY subscription_id
COMMENT 'The directory of subscriptions: the provider of each one, and its state. No row is ever removed';
