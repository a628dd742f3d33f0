-- Whose is the store, and is a move into it not finished?
select installation, arriving from jmap_catalogue.store
