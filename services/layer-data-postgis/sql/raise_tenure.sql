-- Takes the store for this process.
update jmap_catalogue.store set tenure = tenure + 1 returning tenure
