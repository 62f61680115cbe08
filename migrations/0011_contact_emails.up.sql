-- E-mail addresses of people, where a contact file has them. Emptied by a purge as their names are. Additive.
ALTER TABLE contacts ADD COLUMN email TEXT;
