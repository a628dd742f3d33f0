-- $1 time
select revision
  from change_set
 where decided_at <= $1
 order by revision desc
 limit 1
