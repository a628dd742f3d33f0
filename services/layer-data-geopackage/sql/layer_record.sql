-- What is kept of a layer beside its definition and its elements.
select l.revision, l.next_element, c.identifier, l.edit_time
from _jmap_layer as l
left join gpkg_contents as c on c.table_name = 'l_' || l.layer_id
where l.layer_id = ?1
