-- Reports on tokens that no profile knows, sent without login.
CREATE TABLE driver_reports (
    id INTEGER PRIMARY KEY,
    -- Six digits, to be said on the telephone.
    number TEXT NOT NULL UNIQUE,
    at BIGINT NOT NULL,
    -- JSON of the wire type DriverReport.
    report TEXT NOT NULL,
    -- From where it came, for as long as a limit counts it.
    address TEXT
);
CREATE INDEX driver_reports_by_address ON driver_reports (address, at);
CREATE INDEX driver_reports_by_time ON driver_reports (at);
