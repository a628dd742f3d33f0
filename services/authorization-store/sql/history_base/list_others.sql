-- $1 revision of the one that counts (0: none does)
select revision
  from history_base
 where revision <> $1
