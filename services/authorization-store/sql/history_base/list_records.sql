-- $1 revision
select content
  from history_base_record
 where revision = $1
 order by ordinal
