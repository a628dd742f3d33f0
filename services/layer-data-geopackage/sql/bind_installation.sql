-- Binds a store that is bound to nobody, and answers to whom it is bound.
update _jmap_store set installation = coalesce(installation, ?1) returning installation
