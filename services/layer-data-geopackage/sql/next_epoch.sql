-- Takes the store for this process.
update _jmap_store set epoch = epoch + 1 returning epoch
