-- The portal's own secrets, each sealed under its name and version.
CREATE TABLE portal_secrets (
    -- 'signing key', 'sealing key', 'unblock master'
    name TEXT NOT NULL,
    -- From 1.
    version INTEGER NOT NULL CHECK (version >= 1),
    sealed BLOB NOT NULL,
    PRIMARY KEY (name, version)
);

-- Tokens, and how each can be unlocked.
CREATE TABLE tokens (
    token_id TEXT PRIMARY KEY,
    -- 'so_pin', 'challenge_response'
    method TEXT NOT NULL,
    -- 'random', 'shared', 'derived', 'none'
    so_pin TEXT NOT NULL,
    -- What the token takes as SO PIN, in bytes.
    so_pin_min_len INTEGER NOT NULL,
    so_pin_max_len INTEGER NOT NULL,
    -- Tries the SO PIN has, as its maker made it.
    so_pin_retry_limit INTEGER NOT NULL,
    -- Proven to be on the token; 0 is the maker's own, which is not kept.
    current_version INTEGER NOT NULL DEFAULT 0,
    current_so_pin BLOB,
    -- Made, and not yet proven: the same in every box until it is.
    next_version INTEGER,
    next_so_pin BLOB,
    -- Version of the master that its unblock key is derived from; 0 where it has none.
    unblock_key_version INTEGER NOT NULL DEFAULT 0,
    -- Releases of SO PINs since a login was last proven.
    unproven_releases INTEGER NOT NULL DEFAULT 0,
    personalized_at BIGINT,
    CHECK ((current_version = 0) = (current_so_pin IS NULL)),
    CHECK ((next_version IS NULL) = (next_so_pin IS NULL)),
    CHECK (next_version IS NULL OR next_version > current_version)
);

-- Those whose certificates are here already were made elsewhere.
INSERT INTO tokens (token_id, method, so_pin, so_pin_min_len, so_pin_max_len, so_pin_retry_limit)
SELECT DISTINCT token_id, 'so_pin', 'none', 1, 32, 5 FROM certificates;

-- What an unlock order has beside the order itself.
CREATE TABLE unlocks (
    order_no TEXT PRIMARY KEY REFERENCES orders (no),
    -- 1 where the PIN was locked when the order was first opened.
    was_locked INTEGER NOT NULL,
    used_at TEXT,
    note TEXT,
    -- Releases that may be had, all in all.
    releases_allowed INTEGER NOT NULL
);
CREATE UNIQUE INDEX one_open_unlock_of_a_token ON orders (token_id) WHERE open = 1 AND kind = 'unlock';

CREATE TABLE unlock_tickets (
    -- HMAC of the ticket.
    ticket BLOB PRIMARY KEY,
    -- HMAC of the step-up.
    step_up BLOB NOT NULL,
    order_no TEXT NOT NULL REFERENCES orders (no),
    releases_until BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX unlock_tickets_by_end ON unlock_tickets (expires_at);

CREATE TABLE unlock_releases (
    order_no TEXT NOT NULL REFERENCES orders (no),
    -- From 1.
    number INTEGER NOT NULL CHECK (number >= 1),
    -- SM3 of the DER of the host's one-time public key, which gets one release in its life.
    one_time_key BLOB NOT NULL UNIQUE,
    -- SM3 of the DER of the certificate on the token.
    certificate BLOB NOT NULL,
    -- Versions of the SO PINs in the box; both 0 by challenge and response.
    current_version INTEGER NOT NULL,
    next_version INTEGER NOT NULL,
    unblock_key_version INTEGER NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (order_no, number)
);

-- What was answered: one by SO PIN, one for each challenge on the other. Boxes are sealed to the host.
CREATE TABLE unlock_answers (
    order_no TEXT NOT NULL,
    release INTEGER NOT NULL,
    -- The portal's, or the token's challenge.
    nonce BLOB NOT NULL,
    context BLOB NOT NULL,
    sealed_envelope BLOB NOT NULL,
    signature BLOB NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (order_no, release, nonce),
    FOREIGN KEY (order_no, release) REFERENCES unlock_releases (order_no, number)
);

-- Questions about tokens, asked without login.
CREATE TABLE unlock_checks (
    id INTEGER PRIMARY KEY,
    address TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX unlock_checks_by_address ON unlock_checks (address, at);

CREATE TABLE personalizations (
    no TEXT PRIMARY KEY,
    token_id TEXT NOT NULL REFERENCES tokens (token_id),
    -- JSON of the wire type Holder.
    holder TEXT NOT NULL,
    phone TEXT NOT NULL,
    product TEXT NOT NULL REFERENCES products (code),
    validity_years INTEGER NOT NULL,
    method TEXT NOT NULL,
    -- Version of the SO PIN in its boxes.
    so_pin_version INTEGER NOT NULL,
    unblock_key_version INTEGER NOT NULL,
    openings INTEGER NOT NULL DEFAULT 0,
    -- 'open', 'done', 'given_up'
    state TEXT NOT NULL,
    -- What the token signed at the end, as the portal built it.
    text BLOB,
    signature BLOB,
    opened_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX personalizations_by_token ON personalizations (token_id, opened_at);
CREATE UNIQUE INDEX one_open_personalization_of_a_token ON personalizations (token_id) WHERE state = 'open';

-- NULL where the certificate was issued at the workstation without a personalization.
ALTER TABLE first_certificates ADD COLUMN personalization TEXT REFERENCES personalizations (no);
