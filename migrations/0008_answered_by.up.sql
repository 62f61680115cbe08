-- Who took a call: a person, a voicemail, a service that screens calls, a fax, or somebody of whom nothing told. NULL for
-- calls that nobody took, and for those before. Additive.
ALTER TABLE attempts ADD COLUMN answered_by TEXT CHECK (answered_by IN
    ('person', 'voicemail', 'call_screening', 'fax', 'unknown'));
