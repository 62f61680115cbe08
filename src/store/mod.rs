//! The store: SQL behind the ports of samvad_actors.
