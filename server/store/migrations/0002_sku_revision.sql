-- Counts the changes of which variant has which SKU key, so that what was looked up before the merchant was locked is
-- known to hold still.
ALTER TABLE merchant ADD COLUMN sku_revision BIGINT NOT NULL DEFAULT 0;

-- scan_page.seen: where many listings that lie one after the other in the table were seen, the last follows the first,
-- with a NUL byte before it.
