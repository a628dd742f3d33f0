-- All is there.
update _jmap_store set arriving = false
