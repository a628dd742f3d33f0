-- Whoever waits for a definition holds up everyone who comes after, so the wait is short, and tried again.
set local lock_timeout = '500ms'
