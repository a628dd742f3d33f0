-- $1 how many numbers before the last one taken, from $2 on the row
insert into audit_concern (record_id, ordinal, kind, resource_id, project_id, name)
select audit_mark - $1, $2, $3, $4, $5, $6
  from installation
