-- Texts are VARBINARY: compared byte by byte, no collation decides. Times are microseconds since 1970 UTC.
-- Money is ten-thousandths and an ISO 4217 code. Every key starts with the merchant.

-- rekeying: 0, or that the SKU keys are to be computed anew: 1, or the token of the server that does it.
CREATE TABLE IF NOT EXISTS merchant (
  merchant_no BIGINT NOT NULL,
  merchant_id VARBINARY(63) NOT NULL,
  display_name VARBINARY(800) NOT NULL,
  currency VARBINARY(3) NOT NULL,
  sku_case TINYINT NOT NULL,
  rekeying BIGINT NOT NULL DEFAULT 0,
  next_product_no BIGINT NOT NULL DEFAULT 1,
  version BIGINT NOT NULL,
  create_time BIGINT NOT NULL,
  update_time BIGINT NOT NULL,
  PRIMARY KEY (merchant_no),
  UNIQUE KEY by_id (merchant_id)
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS channel (
  merchant_no BIGINT NOT NULL,
  channel_no TINYINT NOT NULL,
  channel_id VARBINARY(63) NOT NULL,
  display_name VARBINARY(800) NOT NULL,
  platform SMALLINT NOT NULL,
  endpoint VARBINARY(1024) NOT NULL,
  version BIGINT NOT NULL,
  create_time BIGINT NOT NULL,
  update_time BIGINT NOT NULL,
  PRIMARY KEY (merchant_no, channel_no),
  UNIQUE KEY by_id (merchant_no, channel_id)
) ENGINE=InnoDB;

-- The statistics of a channel, one row each, kept in the transaction of each change.
CREATE TABLE IF NOT EXISTS channel_count (
  merchant_no BIGINT NOT NULL,
  channel_no TINYINT NOT NULL,
  live BIGINT NOT NULL DEFAULT 0,
  inactive BIGINT NOT NULL DEFAULT 0,
  pending BIGINT NOT NULL DEFAULT 0,
  suspended BIGINT NOT NULL DEFAULT 0,
  deleted BIGINT NOT NULL DEFAULT 0,
  unknown BIGINT NOT NULL DEFAULT 0,
  not_in_pos BIGINT NOT NULL DEFAULT 0,
  live_items BIGINT NOT NULL DEFAULT 0,
  not_in_pos_items BIGINT NOT NULL DEFAULT 0,
  sold_variants BIGINT NOT NULL DEFAULT 0,
  sold_products BIGINT NOT NULL DEFAULT 0,
  multiple_listings BIGINT NOT NULL DEFAULT 0,
  last_scan_time BIGINT NULL,
  complete TINYINT NOT NULL DEFAULT 0,
  PRIMARY KEY (merchant_no, channel_no)
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS product (
  merchant_no BIGINT NOT NULL,
  product_no BIGINT NOT NULL,
  product_id VARBINARY(512) NOT NULL,
  name VARBINARY(2000) NOT NULL,
  name_key VARBINARY(400) NOT NULL,
  version BIGINT NOT NULL,
  create_time BIGINT NOT NULL,
  update_time BIGINT NOT NULL,
  PRIMARY KEY (merchant_no, product_no),
  UNIQUE KEY by_id (merchant_no, product_id),
  KEY by_name (merchant_no, name_key)
) ENGINE=InnoDB;

-- badges: the channels with a live listing of sku_key, a bit each (channel_no).
CREATE TABLE IF NOT EXISTS variant (
  merchant_no BIGINT NOT NULL,
  product_no BIGINT NOT NULL,
  variant_no INT NOT NULL,
  variant_id VARBINARY(512) NOT NULL,
  sku VARBINARY(1020) NOT NULL,
  sku_key VARBINARY(1536) NULL,
  barcode VARBINARY(256) NOT NULL,
  price BIGINT NULL,
  currency VARBINARY(3) NULL,
  stock BIGINT NULL,
  option_text VARBINARY(800) NOT NULL,
  badges BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (merchant_no, product_no, variant_no),
  UNIQUE KEY by_sku (merchant_no, sku_key),
  KEY by_badges (merchant_no, badges, sku_key)
) ENGINE=InnoDB;

-- Variants for each set of badges but the empty one: which ranges of variant.by_badges there are.
CREATE TABLE IF NOT EXISTS badge_count (
  merchant_no BIGINT NOT NULL,
  badges BIGINT NOT NULL,
  variants BIGINT NOT NULL,
  PRIMARY KEY (merchant_no, badges)
) ENGINE=InnoDB;

-- fingerprint: of all a Seller Center says of the listing, so that an unchanged one is known without its texts.
CREATE TABLE IF NOT EXISTS listing (
  merchant_no BIGINT NOT NULL,
  channel_no TINYINT NOT NULL,
  listing_id VARBINARY(512) NOT NULL,
  item_id VARBINARY(512) NOT NULL,
  seller_sku VARBINARY(1020) NOT NULL,
  sku_key VARBINARY(1536) NOT NULL,
  state TINYINT NOT NULL,
  in_pos TINYINT NOT NULL,
  name VARBINARY(2000) NOT NULL,
  name_key VARBINARY(400) NOT NULL,
  price BIGINT NULL,
  currency VARBINARY(3) NULL,
  stock BIGINT NULL,
  gtin VARBINARY(256) NOT NULL,
  fingerprint BINARY(16) NOT NULL,
  PRIMARY KEY (merchant_no, channel_no, listing_id),
  KEY by_sku (merchant_no, channel_no, state, in_pos, sku_key),
  KEY by_name (merchant_no, channel_no, state, in_pos, name_key),
  KEY by_item (merchant_no, channel_no, item_id, state, in_pos)
) ENGINE=InnoDB;

-- Keys with two or more live listings on a channel.
CREATE TABLE IF NOT EXISTS multiple_listing (
  merchant_no BIGINT NOT NULL,
  channel_no TINYINT NOT NULL,
  sku_key VARBINARY(1536) NOT NULL,
  listings BIGINT NOT NULL,
  PRIMARY KEY (merchant_no, channel_no, sku_key)
) ENGINE=InnoDB;

-- active_channel_no: the channel while the job is queued, running or needs confirmation, so that a channel has one such job.
-- owner, lease_until: the server that runs it, and until when others leave it alone. Messages are serialized protos.
CREATE TABLE IF NOT EXISTS job (
  merchant_no BIGINT NOT NULL,
  job_id VARBINARY(63) NOT NULL,
  channel_no TINYINT NOT NULL,
  active_channel_no TINYINT NULL,
  request_id VARBINARY(128) NULL,
  state TINYINT NOT NULL,
  scan_mode TINYINT NOT NULL,
  revision BIGINT NOT NULL,
  cancel_requested TINYINT NOT NULL DEFAULT 0,
  owner VARBINARY(63) NOT NULL DEFAULT '',
  lease_until BIGINT NOT NULL DEFAULT 0,
  live_before BIGINT NOT NULL DEFAULT 0,
  live_seen BIGINT NOT NULL DEFAULT 0,
  read_all TINYINT NOT NULL DEFAULT 0,
  confirmed TINYINT NOT NULL DEFAULT 0,
  items BIGINT NOT NULL DEFAULT 0,
  progress BLOB NOT NULL,
  error BLOB NULL,
  confirmation BLOB NULL,
  create_time BIGINT NOT NULL,
  start_time BIGINT NULL,
  end_time BIGINT NULL,
  PRIMARY KEY (merchant_no, job_id),
  UNIQUE KEY by_active_channel (merchant_no, active_channel_no),
  UNIQUE KEY by_request (merchant_no, request_id),
  KEY by_channel (merchant_no, channel_no, job_id)
) ENGINE=InnoDB;

-- What a scan has written: how to go on, and the ids it saw (each with its length before it), so that another server
-- can go on and knows at the end which listings were not seen.
CREATE TABLE IF NOT EXISTS scan_page (
  merchant_no BIGINT NOT NULL,
  job_id VARBINARY(63) NOT NULL,
  page_no BIGINT NOT NULL,
  resume_tokens MEDIUMBLOB NOT NULL,
  seen LONGBLOB NOT NULL,
  PRIMARY KEY (merchant_no, job_id, page_no)
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS job_item (
  merchant_no BIGINT NOT NULL,
  job_id VARBINARY(63) NOT NULL,
  item_no BIGINT NOT NULL,
  listing_id VARBINARY(512) NOT NULL,
  item_id VARBINARY(512) NOT NULL,
  outcome TINYINT NOT NULL,
  reason SMALLINT NOT NULL,
  field VARBINARY(200) NOT NULL,
  description VARBINARY(1000) NOT NULL,
  PRIMARY KEY (merchant_no, job_id, item_no)
) ENGINE=InnoDB;
