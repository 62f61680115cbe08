ALTER TABLE attempts DROP COLUMN language;
