-- What is remembered of a layer goes with it.
delete from _jmap_request where exists (select 1 from json_each(layers) where value = ?1)
