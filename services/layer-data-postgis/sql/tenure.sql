-- Who has the store now?
select tenure from jmap_catalogue.store
