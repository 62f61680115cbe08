-- Names of people, to greet them by. Emptied by a purge when they are not called any more. Additive.
ALTER TABLE contacts ADD COLUMN name TEXT;
