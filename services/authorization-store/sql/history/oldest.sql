select revision
  from change_set
 order by revision
 limit 1
