-- The work on the token: attempts of an order.
CREATE TABLE attempts (
    order_no TEXT NOT NULL REFERENCES orders (no),
    -- From 1.
    number INTEGER NOT NULL CHECK (number >= 1),
    token_id TEXT NOT NULL,
    -- 16 bytes: CKA_ID of its pair.
    cka_id BLOB NOT NULL UNIQUE,
    -- 'open', 'issued', 'confirmed', 'closed'
    state TEXT NOT NULL,
    -- Stored together, before the authority signs; never changed afterwards.
    spki BLOB,
    serial TEXT UNIQUE,
    tbs BLOB,
    -- DER, set once.
    certificate BLOB,
    opened_at BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (order_no, number),
    CHECK ((spki IS NULL) = (serial IS NULL) AND (spki IS NULL) = (tbs IS NULL)),
    CHECK (certificate IS NULL OR spki IS NOT NULL)
);
CREATE UNIQUE INDEX one_open_attempt_of_an_order ON attempts (order_no) WHERE state IN ('open', 'issued');
CREATE UNIQUE INDEX one_open_attempt_on_a_token ON attempts (token_id) WHERE state IN ('open', 'issued');
CREATE INDEX attempts_by_spki ON attempts (spki);

-- What was on the token before an order first touched it.
CREATE TABLE inventories (
    order_no TEXT NOT NULL REFERENCES orders (no),
    spki BLOB NOT NULL,
    PRIMARY KEY (order_no, spki)
);

CREATE TABLE nonces (
    nonce BLOB PRIMARY KEY,
    order_no TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    purpose TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    used INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX nonces_by_end ON nonces (expires_at);

-- Authorizations of tokens, kept as evidence.
CREATE TABLE authorizations (
    order_no TEXT NOT NULL REFERENCES orders (no),
    attempt INTEGER NOT NULL,
    purpose TEXT NOT NULL,
    -- What was signed, as the portal built it.
    text BLOB NOT NULL,
    signature BLOB NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (order_no, attempt, purpose)
);

-- First certificates on tokens.
CREATE TABLE first_certificates (
    token_id TEXT NOT NULL,
    spki BLOB NOT NULL UNIQUE,
    serial TEXT NOT NULL UNIQUE,
    tbs BLOB NOT NULL,
    certificate BLOB,
    -- JSON of the request, without the PKCS#10.
    holder TEXT NOT NULL,
    phone TEXT NOT NULL,
    product TEXT NOT NULL REFERENCES products (code),
    -- 1 where the token was made anew before the authority signed.
    given_up INTEGER NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (token_id, spki)
);
