-- $1 record, $2 project or null, $3 most rows
select kind, resource_id, project_id, name
  from audit_concern
 where record_id = $1
   and (cast($2 as bigint) is null or project_id = $2)
 order by ordinal
 limit $3
