-- $1 last revision
delete from change where revision <= $1
