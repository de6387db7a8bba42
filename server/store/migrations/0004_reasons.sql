-- What a variant is known by that a listing may mean which is not in the POS: its loose SKU key and the number of its
-- GTIN (common/sku_likeness.h), NULL where it has none. With the SKU key the indexes tell all that there is to compare.
ALTER TABLE variant
  ADD COLUMN loose_key VARBINARY(1020) NULL,
  ADD COLUMN gtin_key BIGINT NULL,
  ADD KEY by_loose_key (merchant_no, loose_key, sku_key),
  ADD KEY by_gtin_key (merchant_no, gtin_key, sku_key);
-- Rekeying computes them for the variants that are there.
UPDATE merchant SET rekeying = 1 WHERE rekeying = 0;
