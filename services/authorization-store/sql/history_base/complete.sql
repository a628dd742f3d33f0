-- $1 revision
update history_base
   set complete = true
 where revision = $1
