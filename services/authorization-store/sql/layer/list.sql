select layer_id, name, project_id, position, owner_id, editing, connection_id,
       pending_until, request_by, request_id, request_fingerprint, revision, grants_revision, offered_to
  from layer
 order by layer_id
