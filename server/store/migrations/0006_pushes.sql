ALTER TABLE merchant ADD COLUMN allow_negative_stock TINYINT NOT NULL DEFAULT 0;

-- How stock and prices are kept in step. push_all_after: the listings of the channel after this id are still to be planned,
-- since it was switched on or its rule changed; NULL: none. push_again: and once more all of them, when these are planned.
ALTER TABLE channel ADD COLUMN stock_sync TINYINT NOT NULL DEFAULT 0;
ALTER TABLE channel ADD COLUMN stock_percentage INT NOT NULL DEFAULT 100;
ALTER TABLE channel ADD COLUMN stock_buffer BIGINT NOT NULL DEFAULT 0;
ALTER TABLE channel ADD COLUMN stock_maximum BIGINT NULL;
ALTER TABLE channel ADD COLUMN price_sync TINYINT NOT NULL DEFAULT 0;
ALTER TABLE channel ADD COLUMN push_all_after VARBINARY(512) NULL;
ALTER TABLE channel ADD COLUMN push_again TINYINT NOT NULL DEFAULT 0;

-- The newest value for each listing and kind (1 stock, 2 price), and what became of it. quantity: units, or ten-thousandths of
-- the currency. version: another one with each value, so that an answer to an older one is known. outcome: skulink.v1.PushOutcome.
-- due: when it is sent; NULL when it waits for nothing, or for a change. applied: what the Seller Center took last.
-- Times are microseconds by the database's clock.
CREATE TABLE IF NOT EXISTS push (
  merchant_no BIGINT NOT NULL,
  channel_no TINYINT NOT NULL,
  listing_id VARBINARY(512) NOT NULL,
  kind TINYINT NOT NULL,
  product_no BIGINT NOT NULL,
  variant_no INT NOT NULL,
  quantity BIGINT NOT NULL,
  currency VARBINARY(3) NOT NULL DEFAULT '',
  version BIGINT NOT NULL,
  outcome TINYINT NOT NULL,
  due BIGINT NULL,
  applied BIGINT NULL,
  attempts INT NOT NULL DEFAULT 0,
  description VARBINARY(1000) NOT NULL DEFAULT '',
  change_time BIGINT NOT NULL,
  attempt_time BIGINT NULL,
  apply_time BIGINT NULL,
  PRIMARY KEY (merchant_no, channel_no, listing_id, kind),
  KEY by_due (merchant_no, channel_no, kind, due),
  KEY by_variant (merchant_no, product_no, variant_no, channel_no, listing_id, kind)
) ENGINE=InnoDB;

-- Which server may talk to a channel's Seller Center, so that the shop's limits hold. fence: another one with each owner.
CREATE TABLE IF NOT EXISTS channel_traffic (
  merchant_no BIGINT NOT NULL,
  channel_no TINYINT NOT NULL,
  owner VARBINARY(63) NOT NULL,
  fence BIGINT NOT NULL,
  lease_until BIGINT NOT NULL,
  PRIMARY KEY (merchant_no, channel_no)
) ENGINE=InnoDB;

-- Calls that were done and how they were answered, so that they can be repeated. request: a hash of its content.
CREATE TABLE IF NOT EXISTS answered_request (
  merchant_no BIGINT NOT NULL,
  request_id VARBINARY(128) NOT NULL,
  request BINARY(16) NOT NULL,
  response MEDIUMBLOB NOT NULL,
  create_time BIGINT NOT NULL,
  PRIMARY KEY (merchant_no, request_id),
  KEY by_age (merchant_no, create_time)
) ENGINE=InnoDB;
