delete from jmap_catalogue.request where create_time < $1
