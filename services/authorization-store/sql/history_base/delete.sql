-- $1 revision
delete from history_base where revision = $1
