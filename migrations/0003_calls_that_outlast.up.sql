-- Attempts that have their outcome while the carrier has not said that their call is over: it may still hold the call,
-- so they count against limits until the latest moment at which it can. Additive.
CREATE INDEX attempts_outlasting ON attempts (permit_deadline_ms)
    WHERE state = 'ended' AND call_sid IS NOT NULL
      AND (carrier_status IS NULL OR carrier_status NOT IN ('completed', 'busy', 'no-answer', 'failed', 'canceled'));
