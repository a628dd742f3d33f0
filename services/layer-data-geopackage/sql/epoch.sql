-- Who has the store now?
select epoch from _jmap_store
