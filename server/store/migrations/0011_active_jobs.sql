-- Servers look for jobs to run, and renew their leases, all the time: not among those that ended long ago.
ALTER TABLE job ADD KEY by_state (state, owner);
