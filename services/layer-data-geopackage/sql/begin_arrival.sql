-- Makes the store the destination of a move. No row when it is somebody's already.
update _jmap_store set installation = ?1, arriving = true
where installation is null or (arriving and installation = ?1)
returning installation
