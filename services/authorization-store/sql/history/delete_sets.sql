-- $1 last revision
delete from change_set where revision <= $1
