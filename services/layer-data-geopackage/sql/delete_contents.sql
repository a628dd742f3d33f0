delete from gpkg_contents where table_name = ?1
