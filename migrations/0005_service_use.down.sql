DROP INDEX attempts_ended_by_campaign;
DROP TABLE service_use;
ALTER TABLE turn_latencies DROP COLUMN understanding_ms;
