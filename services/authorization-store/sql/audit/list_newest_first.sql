-- $1 number before the first, $2 last number, $3 not before, $4 before, $5 user, $6 service, $7 bits of kinds,
-- $8 outcome, $9 kind and $10 id of what it is about, $11 project, $12 most rows
select record_id, kind, first_at, last_at, count, caller_kind, caller_user, caller_session, caller_service,
       caller_name, outcome, reason, act, path, path_group, request_id, revision, concerns_in_all
  from audit_record r
 where record_id > $1
   and record_id <= $2
   and (cast($3 as bigint) is null or last_at >= $3)
   and (cast($4 as bigint) is null or first_at < $4)
   and (cast($5 as bigint) is null or caller_user = $5)
   and (cast($6 as bigint) is null or caller_service = $6)
   and (kind & $7) <> 0
   and (cast($8 as bigint) is null or outcome = $8)
   and (cast($9 as text) is null or exists (
        select 1 from audit_concern c
         where c.record_id = r.record_id and c.kind = $9
           and (cast($10 as bigint) is null or c.resource_id = $10)
           and (cast($11 as bigint) is null or c.project_id = $11)))
   and (cast($11 as bigint) is null or exists (
        select 1 from audit_concern c
         where c.record_id = r.record_id and c.project_id = $11))
 order by record_id desc
 limit $12
