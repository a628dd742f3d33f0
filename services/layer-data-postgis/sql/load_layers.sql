select l.layer_id, l.definition, c.revision, c.next_element, l.create_time, c.edit_time, l.history_from, l.history_since, c.restored
from jmap_catalogue.layer as l
join jmap_catalogue.counters as c on c.layer_id = l.layer_id
order by l.layer_id
