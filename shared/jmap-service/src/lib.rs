//! The chassis of every service: the tower stack, tokens, configuration, telemetry, health, shutdown.
