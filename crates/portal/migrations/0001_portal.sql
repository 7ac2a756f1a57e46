-- Times are milliseconds since 1970-01-01 UTC, money is fen, truth values are 0 or 1.

CREATE TABLE portal (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    -- The portal's name in signed authorizations; never changes.
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE products (
    code TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    holder TEXT NOT NULL,
    seal TEXT NOT NULL,
    position INTEGER NOT NULL
);

CREATE TABLE prices (
    product TEXT NOT NULL REFERENCES products (code),
    validity_years INTEGER NOT NULL,
    amount BIGINT NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (product, validity_years)
);

CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    phone TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

CREATE TABLE operators (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    -- Argon2id, PHC string.
    password TEXT NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    locked_until BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL
);

CREATE TABLE sessions (
    -- HMAC of the session token.
    session_token BLOB PRIMARY KEY,
    user_id INTEGER REFERENCES users (id),
    operator_id INTEGER REFERENCES operators (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    CHECK ((user_id IS NULL) <> (operator_id IS NULL))
);
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE idempotency (
    actor TEXT NOT NULL,
    key TEXT NOT NULL,
    -- SM3 of method, path, query and body.
    request BLOB NOT NULL,
    status INTEGER NOT NULL,
    -- Sealed: answers bring session tokens.
    answer BLOB NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (actor, key)
);
CREATE INDEX idempotency_by_end ON idempotency (expires_at);

CREATE TABLE sms_codes (
    id INTEGER PRIMARY KEY,
    phone TEXT NOT NULL,
    purpose TEXT NOT NULL,
    -- The order it is for; empty for a login.
    subject TEXT NOT NULL,
    -- HMAC of phone, purpose, subject and code.
    code BLOB NOT NULL,
    address TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    used INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX sms_codes_by_phone ON sms_codes (phone, created_at);
CREATE INDEX sms_codes_by_address ON sms_codes (address, created_at);

CREATE TABLE sms_messages (
    id INTEGER PRIMARY KEY,
    at BIGINT NOT NULL,
    phone TEXT NOT NULL,
    -- Emptied once sent where it brought a code, except by the embedded outbox.
    text TEXT NOT NULL,
    code TEXT,
    order_no TEXT,
    -- 'waiting', 'sent', 'failed'
    state TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    next_try_at BIGINT NOT NULL
);
CREATE INDEX sms_messages_by_state ON sms_messages (state, next_try_at);

CREATE TABLE step_ups (
    -- HMAC of the ticket.
    ticket BLOB PRIMARY KEY,
    purpose TEXT NOT NULL,
    order_no TEXT NOT NULL,
    user_id INTEGER NOT NULL REFERENCES users (id),
    expires_at BIGINT NOT NULL,
    used INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE certificates (
    -- Upper-case hexadecimal, without leading zero octets.
    serial TEXT PRIMARY KEY,
    der BLOB NOT NULL,
    spki BLOB NOT NULL,
    -- DER of the subject's distinguished name.
    subject BLOB NOT NULL,
    token_id TEXT NOT NULL,
    -- JSON of the wire type Holder.
    holder TEXT NOT NULL,
    holder_name TEXT NOT NULL,
    phone TEXT NOT NULL,
    product TEXT NOT NULL REFERENCES products (code),
    -- 'issued' (signed, not yet proven to be on its key), 'active', 'superseded', 'revoked'
    state TEXT NOT NULL,
    superseded_by TEXT,
    revoked_at BIGINT,
    revoked_reason TEXT,
    not_before BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX certificates_by_phone ON certificates (phone, not_after);
CREATE INDEX certificates_by_token ON certificates (token_id);

CREATE TABLE orders (
    no TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    -- An internal status of orders/machine.rs.
    internal_status TEXT NOT NULL,
    -- The tab it is in, or was last in.
    public_status TEXT NOT NULL,
    -- 1 until it has come to an end.
    open INTEGER NOT NULL,
    user_id INTEGER NOT NULL REFERENCES users (id),
    certificate TEXT NOT NULL REFERENCES certificates (serial),
    token_id TEXT NOT NULL,
    product TEXT NOT NULL REFERENCES products (code),
    product_name TEXT NOT NULL,
    validity_years INTEGER NOT NULL,
    amount BIGINT NOT NULL,
    -- JSON of the wire type OrderForm.
    form TEXT NOT NULL,
    company TEXT NOT NULL,
    mode TEXT,
    consent_at BIGINT,
    agreement_at BIGINT,
    payment_method TEXT,
    paid_at BIGINT,
    reject_reason TEXT,
    submitted_at BIGINT,
    approved_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX orders_by_user ON orders (user_id, created_at);
CREATE INDEX orders_by_state ON orders (public_status, created_at);
CREATE INDEX orders_by_certificate ON orders (certificate, created_at);
-- Two orders would work on one token at once.
CREATE UNIQUE INDEX one_open_order ON orders (certificate) WHERE open = 1 AND kind IN ('renewal', 'expired_purchase');

CREATE TABLE order_numbers (
    -- yyyyMMddHHmmss, Beijing time
    second TEXT PRIMARY KEY,
    last INTEGER NOT NULL
);

CREATE TABLE order_events (
    id INTEGER PRIMARY KEY,
    order_no TEXT NOT NULL REFERENCES orders (no),
    at BIGINT NOT NULL,
    event TEXT NOT NULL,
    from_status TEXT NOT NULL,
    to_status TEXT NOT NULL,
    public_status TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT
);
CREATE INDEX order_events_by_order ON order_events (order_no, id);

CREATE TABLE transfers (
    reference TEXT PRIMARY KEY,
    order_no TEXT NOT NULL REFERENCES orders (no),
    amount BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    recorded_by TEXT NOT NULL,
    refunded_at BIGINT
);
CREATE INDEX transfers_by_order ON transfers (order_no);

CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    detail TEXT
);
CREATE INDEX audit_by_target ON audit (target, id);
