ALTER TABLE attempts DROP COLUMN answered_by;
