-- $1 how many numbers before the last one taken, from $2 on the row
insert into audit_record
    (record_id, kind, first_at, last_at, count, caller_kind, caller_user, caller_session, caller_service,
     caller_name, outcome, reason, act, path, path_group, request_id, revision, concerns_in_all)
select audit_mark - $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18
  from installation
