-- Serial numbers that are revoked, signed or not. None is ever taken off.
CREATE TABLE revocations (
    serial TEXT PRIMARY KEY,
    -- For people; the reason on the list follows from it where it is one of the portal's own.
    reason TEXT NOT NULL,
    at BIGINT NOT NULL,
    -- 1 once the authority has been told.
    told INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX revocations_untold ON revocations (told) WHERE told = 0;

-- Lists published; numbers of one issuer count up.
CREATE TABLE crls (
    -- 'root', 'issuing'
    issuer TEXT NOT NULL,
    number INTEGER NOT NULL,
    der BLOB NOT NULL,
    this_update BIGINT NOT NULL,
    next_update BIGINT NOT NULL,
    entries INTEGER NOT NULL,
    PRIMARY KEY (issuer, number)
);
