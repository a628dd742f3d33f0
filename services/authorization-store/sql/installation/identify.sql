select tenure, installation_id, arriving from installation
