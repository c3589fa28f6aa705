//! Hosts → backends: the reverse proxy in front of apps.
