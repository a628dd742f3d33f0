-- Both revisions are $13: the permission table of a new layer counts from the layer's revision.
insert into layer
    (layer_id, name, name_key, project_id, position, owner_id, editing, connection_id,
     pending_until, request_by, request_id, request_fingerprint, revision, grants_revision, offered_to)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $14)
on conflict (layer_id) do update
   set name = excluded.name, name_key = excluded.name_key, project_id = excluded.project_id,
       position = excluded.position, owner_id = excluded.owner_id, editing = excluded.editing,
       connection_id = excluded.connection_id, pending_until = excluded.pending_until,
       request_by = excluded.request_by, request_id = excluded.request_id,
       request_fingerprint = excluded.request_fingerprint, revision = excluded.revision,
       offered_to = excluded.offered_to
