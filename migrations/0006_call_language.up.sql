-- The language a call was in at its end, as a BCP 47 tag: of campaigns in several languages it may be another than the
-- first. Additive.
ALTER TABLE attempts ADD COLUMN language TEXT;
