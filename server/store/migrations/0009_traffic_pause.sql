-- Until when, by the database's clock in microseconds, the shop asked not to be called: for whoever has its traffic next.
ALTER TABLE channel_traffic ADD COLUMN paused_until BIGINT NOT NULL DEFAULT 0;
