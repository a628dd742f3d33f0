-- Whose is the store, and is a move into it not finished?
select installation, arriving from _jmap_store
