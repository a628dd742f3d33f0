-- What is kept of a layer beside its definition and its elements. $2 is its table.
select l.revision, l.next_element, obj_description(to_regclass($2::text), 'pg_class')
from jmap_catalogue.layer as l
where l.layer_id = $1
