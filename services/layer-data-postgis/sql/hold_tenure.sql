-- Keeps the store this process's until the end of the transaction. No row when it is another's already.
select tenure from jmap_catalogue.store where tenure = $1 for share
