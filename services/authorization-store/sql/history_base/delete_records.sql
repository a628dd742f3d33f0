-- $1 revision, $2 most records
delete from history_base_record
 where revision = $1
   and ordinal < $2 + (select min(r.ordinal) from history_base_record r where r.revision = $1)
