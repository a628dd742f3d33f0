-- All is there.
update jmap_catalogue.store set arriving = false
