-- Raises the counters of the layers of a group, where they and the tenure are still what this process believes.
update jmap_catalogue.counters as c
set revision = e.revision, next_element = e.next_element, edit_time = e.edit_time,
  restored = e.restored
from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
  as e (layer_id, old_revision, old_next_element, revision, next_element, edit_time, restored)
where c.layer_id = e.layer_id
  and c.revision = e.old_revision
  and c.next_element = e.old_next_element
  and exists (select from jmap_catalogue.store as s where s.tenure = $8)
