-- Which live topic bills a namespace in which reported hour. Two that submitted one resource and hour would have the
-- same identity at Commerce, which keeps one of them.

ALTER TABLE sources
    ADD COLUMN IF NOT EXISTS taken_up Array(Tuple(namespace String, from_hour DateTime('UTC')))
        COMMENT 'Which namespaces the topic has taken up, and from which reported hour on it bills them; of several topics, the one that took a namespace up last. Empty while a first epoch serves the namespaces with which it began. Later epochs go on with them'
        AFTER namespaces;

ALTER TABLE commerce_submissions
    COMMENT COLUMN decision 'Decided when it was composed: send, zero, not-reported (the stamp does not report), credit (below zero, which Commerce does not take), held (unknown meter, or billed by another topic in this hour)',
    COMMENT COLUMN reason 'Why it is not sent: zero-quantity, below-zero, unknown-meter, served-elsewhere, no-registration, not-registered, capacity or disabled; empty where it is';
