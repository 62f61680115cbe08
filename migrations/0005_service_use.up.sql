-- What calls and preparations use of services, and how much of a turn a language model takes. Additive.

ALTER TABLE turn_latencies ADD COLUMN understanding_ms BIGINT NOT NULL DEFAULT 0;

-- A call's rows are written with its outcome, a preparation's when it is done. Nothing of a person.
CREATE TABLE service_use (
    campaign_id   TEXT   NOT NULL REFERENCES campaigns (id),
    attempt_id    TEXT   REFERENCES attempts (id), -- NULL: the campaign's preparation
    mode          TEXT   CHECK (mode IN ('simulated', 'dry_run', 'live')), -- the attempt's
    kind          TEXT   NOT NULL CHECK (kind IN ('recognition', 'synthesis', 'language')),
    service       TEXT   NOT NULL,
    model         TEXT   NOT NULL, -- empty if the service has none
    requests      BIGINT NOT NULL CHECK (requests >= 0),
    audio_ms      BIGINT NOT NULL CHECK (audio_ms >= 0),
    characters    BIGINT NOT NULL CHECK (characters >= 0),
    input_tokens  BIGINT NOT NULL CHECK (input_tokens >= 0),
    output_tokens BIGINT NOT NULL CHECK (output_tokens >= 0),
    at_ms         BIGINT NOT NULL, -- when the attempt, or the preparation, ended
    CHECK ((attempt_id IS NULL) = (mode IS NULL))
);
CREATE INDEX service_use_by_campaign ON service_use (campaign_id, at_ms);
-- A call is counted once.
CREATE UNIQUE INDEX service_use_of_attempt ON service_use (attempt_id, kind, service, model)
    WHERE attempt_id IS NOT NULL;

-- The attempts of a campaign in the order in which they ended.
CREATE INDEX attempts_ended_by_campaign ON attempts (campaign_id, ended_at_ms, id) WHERE state = 'ended';
