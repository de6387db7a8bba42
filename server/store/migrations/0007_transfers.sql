-- Pictures of a product, for uploads: addresses with a line feed between them; NULL: none.
ALTER TABLE product ADD COLUMN image_uris BLOB NULL;

-- What a download or an upload is to do, as of its start, until it ends: store::TransferPart, packed.
CREATE TABLE IF NOT EXISTS transfer_part (
  merchant_no BIGINT NOT NULL,
  job_id VARBINARY(63) NOT NULL,
  part_no BIGINT NOT NULL,
  packed LONGBLOB NOT NULL,
  PRIMARY KEY (merchant_no, job_id, part_no)
) ENGINE=InnoDB;

-- What a dry run of a download would have made so far, since what follows depends on it, until it ends.
CREATE TABLE IF NOT EXISTS planned_variant (
  merchant_no BIGINT NOT NULL,
  job_id VARBINARY(63) NOT NULL,
  sku_key VARBINARY(1536) NOT NULL,
  made_no BIGINT NOT NULL,
  product_id VARBINARY(512) NOT NULL,
  variant_id VARBINARY(512) NOT NULL,
  PRIMARY KEY (merchant_no, job_id, sku_key),
  KEY by_product (merchant_no, job_id, product_id)
) ENGINE=InnoDB;

-- What a Seller Center was asked to create: written before it is asked, so that it can be asked the same once more. request: a
-- serialized skulink.sellercenter.v1.ItemCreation. outcome: 0 while it is not known, then what
-- skulink.sellercenter.v1.WriteResult says. job_id: the job that asked last. item_id: the item, once it is known. When the job
-- has ended, what was refused goes, and what was made loses its request and job_id.
CREATE TABLE IF NOT EXISTS item_creation (
  merchant_no BIGINT NOT NULL,
  channel_no TINYINT NOT NULL,
  product_no BIGINT NOT NULL,
  creation_key VARBINARY(64) NOT NULL,
  job_id VARBINARY(63) NOT NULL,
  request MEDIUMBLOB NOT NULL,
  outcome SMALLINT NOT NULL DEFAULT 0,
  item_id VARBINARY(512) NOT NULL DEFAULT '',
  create_time BIGINT NOT NULL,
  PRIMARY KEY (merchant_no, channel_no, product_no, creation_key),
  KEY by_outcome (merchant_no, channel_no, outcome, job_id)
) ENGINE=InnoDB;
