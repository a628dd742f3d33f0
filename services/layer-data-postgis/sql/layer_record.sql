-- What is kept of a layer beside its definition and its elements. $2 is its table.
select c.revision, c.next_element, obj_description(to_regclass($2::text), 'pg_class'), c.edit_time
from jmap_catalogue.counters as c
where c.layer_id = $1
