-- $1 revision, $2 first ordinal, $3 ordinal after the last
delete from history_base_record
 where revision = $1
   and ordinal >= $2
   and ordinal < $3
