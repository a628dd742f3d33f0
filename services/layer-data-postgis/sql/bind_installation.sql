-- Binds a store that is bound to nobody, and answers to whom it is bound. No row when the store is another process's.
update jmap_catalogue.store set installation = coalesce(installation, $1) where tenure = $2 returning installation
