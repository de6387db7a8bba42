-- Until when the server whose turn it is at a merchant that is marked as rekeying has it for itself; 0: nobody has it.
ALTER TABLE merchant ADD COLUMN rekeying_until BIGINT NOT NULL DEFAULT 0;
