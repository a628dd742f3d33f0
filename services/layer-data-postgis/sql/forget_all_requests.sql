delete from jmap_catalogue.request
