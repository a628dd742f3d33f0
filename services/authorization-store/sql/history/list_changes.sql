-- $1 revision before the first, $2 last revision
select revision, content
  from change
 where revision > $1
   and revision <= $2
 order by revision, ordinal
