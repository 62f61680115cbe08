//! The HTTP side: webhooks, media socket, health.
