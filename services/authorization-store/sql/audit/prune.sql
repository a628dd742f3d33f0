-- $1 before, $2 most rows
delete from audit_record
 where record_id in (
       select record_id from audit_record where last_at < $1 order by last_at limit $2)
