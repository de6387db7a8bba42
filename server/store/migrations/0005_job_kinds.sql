-- Jobs that are no scans. kind: skulink.v1.JobKind; position: how far a download or an upload is; transfer: a serialized
-- TransferProgress; begun_at: the time by the Seller Center's clock when a scan began.
ALTER TABLE job ADD COLUMN kind TINYINT NOT NULL DEFAULT 1;
ALTER TABLE job ADD COLUMN validate_only TINYINT NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN position VARBINARY(2048) NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN transfer BLOB NULL;
ALTER TABLE job ADD COLUMN begun_at BIGINT NULL;

-- What made a job: a serialized proto, which a selection makes large.
CREATE TABLE IF NOT EXISTS job_request (
  merchant_no BIGINT NOT NULL,
  job_id VARBINARY(63) NOT NULL,
  request MEDIUMBLOB NOT NULL,
  PRIMARY KEY (merchant_no, job_id)
) ENGINE=InnoDB;

ALTER TABLE job_item ADD COLUMN product_id VARBINARY(512) NOT NULL DEFAULT '';
ALTER TABLE job_item ADD COLUMN variant_id VARBINARY(512) NOT NULL DEFAULT '';

-- Whatever changed at the Seller Center before this time, by its clock, was read.
ALTER TABLE channel_count ADD COLUMN known_until BIGINT NULL;

-- DeleteChannel is at it, or was interrupted: no new jobs.
ALTER TABLE channel ADD COLUMN removing TINYINT NOT NULL DEFAULT 0;
