-- What is remembered of a layer goes with it.
delete from jmap_catalogue.request where $1 = any (layers)
