-- Of a channel that was switched on and is not planned to its end yet (push_all_after): the kinds of pushes, as bits (1 stock,
-- 2 price), that go also where they were applied before and it is not known whether the listing still has the value.
ALTER TABLE channel ADD COLUMN push_unknown TINYINT NOT NULL DEFAULT 0;
