insert into change (revision, ordinal, content) values ($1, $2, $3)
