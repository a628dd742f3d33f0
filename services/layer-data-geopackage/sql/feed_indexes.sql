-- The layers whose feed can be searched already.
select cast(substr(tbl_name, 3) as integer) from sqlite_schema where type = 'index' and name = tbl_name || '_first'
