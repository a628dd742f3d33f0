delete from gpkg_extensions where table_name = ?1
