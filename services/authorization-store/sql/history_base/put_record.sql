insert into history_base_record (revision, ordinal, content) values ($1, $2, $3)
